<?php

/** A message router on Workerman: one json_decode, one json_encode and one send for each message. */

use Workerman\Connection\TcpConnection;
use Workerman\Worker;

// Usage: PORT=3000 php start.php start <path of autoload.php>
require $argv[2];

final class Router
{
    /** @var array<string, TcpConnection> */
    private array $sessions = [];

    public function connected(TcpConnection $connection): void
    {
        $id = bin2hex(random_bytes(16));
        $connection->context->session = $id;
        $this->sessions[$id] = $connection;
        $connection->send(self::text(['type' => 'sys.welcome', 'sender' => 'server', 'receiver' => $id]));
    }

    public function received(TcpConnection $connection, string $text): void
    {
        // An object and not an array, which would turn empty objects of the data into lists.
        $message = json_decode($text);
        $message->sender = $connection->context->session;
        $changed = self::text($message);
        if ($message->receiver === '*') {
            $this->sendToOthers($message->sender, $changed);
        } else {
            ($this->sessions[$message->receiver] ?? null)?->send($changed);
        }
    }

    public function closed(TcpConnection $connection): void
    {
        $id = $connection->context->session ?? null;
        if ($id === null) {
            return; // Closed before the WebSocket handshake.
        }
        unset($this->sessions[$id]);
        // Workerman does not give the close code to the program.
        $notice = ['type' => 'sys.departed', 'sender' => $id, 'receiver' => '*', 'data' => ['code' => 1006]];
        $this->sendToOthers($id, self::text($notice));
    }

    private function sendToOthers(string $id, string $text): void
    {
        foreach ($this->sessions as $other => $connection) {
            if ($other !== $id) {
                $connection->send($text);
            }
        }
    }

    private static function text(array|object $message): string
    {
        return json_encode($message, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    }
}

$port = getenv('PORT');
// A file for each port, because Workerman refuses to start twice with one.
Worker::$pidFile = sys_get_temp_dir() . "/workerman-$port.pid";
Worker::$logFile = '/dev/null';

$router = new Router();
$worker = new Worker("websocket://127.0.0.1:$port");
$worker->onWebSocketConnected = $router->connected(...);
$worker->onMessage = $router->received(...);
$worker->onClose = $router->closed(...);
// Ends at once, because an orderly end sends thousands of useless departure notices.
$worker->onWorkerStop = static fn () => posix_kill(posix_getpid(), SIGKILL);
Worker::runAll();
