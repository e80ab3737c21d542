package bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.TextMessage;
import org.springframework.web.socket.WebSocketSession;
import org.springframework.web.socket.handler.ConcurrentWebSocketSessionDecorator;
import org.springframework.web.socket.handler.TextWebSocketHandler;

/** Routes messages between sessions: reads the JSON, sets the sender, looks up the receiver, sends. */
class Router extends TextWebSocketHandler {
  private static final int SEND_TIME_LIMIT_MS = 10_000;
  private static final int BUFFER_LIMIT_BYTES = 64 * 1024 * 1024;

  private final Map<String, WebSocketSession> sessions = new ConcurrentHashMap<>();
  private final ObjectMapper json = new ObjectMapper();

  @Override
  public void afterConnectionEstablished(WebSocketSession session) throws IOException {
    // A session accepts one sending thread at a time; the decorator queues the messages of the others.
    WebSocketSession sender =
        new ConcurrentWebSocketSessionDecorator(session, SEND_TIME_LIMIT_MS, BUFFER_LIMIT_BYTES);
    sessions.put(session.getId(), sender);
    send(sender, envelope("sys.welcome", "server", session.getId()));
  }

  @Override
  protected void handleTextMessage(WebSocketSession session, TextMessage text) throws IOException {
    ObjectNode message = (ObjectNode) json.readTree(text.getPayload());
    message.put("sender", session.getId());
    String receiver = message.path("receiver").asText();
    if (receiver.equals("*")) sendToOthers(session, message);
    else if (sessions.get(receiver) instanceof WebSocketSession found) send(found, message);
  }

  @Override
  public void afterConnectionClosed(WebSocketSession session, CloseStatus status) throws IOException {
    sessions.remove(session.getId());
    ObjectNode notice = envelope("sys.departed", session.getId(), "*");
    notice.putObject("data").put("code", status.getCode());
    sendToOthers(session, notice);
  }

  private ObjectNode envelope(String type, String sender, String receiver) {
    return json.createObjectNode().put("type", type).put("sender", sender).put("receiver", receiver);
  }

  private void send(WebSocketSession receiver, ObjectNode message) throws IOException {
    deliver(receiver, new TextMessage(json.writeValueAsString(message)));
  }

  private void sendToOthers(WebSocketSession from, ObjectNode message) throws IOException {
    TextMessage text = new TextMessage(json.writeValueAsString(message));
    sessions.forEach((id, session) -> {
      if (!id.equals(from.getId())) deliver(session, text);
    });
  }

  /** Sends; an error is of the receiver's connection, whose close follows, and does not concern the sender. */
  private static void deliver(WebSocketSession receiver, TextMessage text) {
    try {
      receiver.sendMessage(text);
    } catch (IOException | IllegalStateException ignored) {
      // The container closes the connection.
    }
  }
}
