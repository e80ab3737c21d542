/** Creates an element. Text from other sessions only ever becomes text, never markup. */
export function createElement(name, className = '', text = '') {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Joins the label of a session to its state. */
export const labelText = (label, isAway) => [label, isAway && 'away'].filter(Boolean).join(' · ');

/** Creates a small button. */
export function createButton(text, clicked) {
  const button = createElement('button', 'chip', text);
  button.type = 'button';
  button.addEventListener('click', clicked);
  return button;
}

/** Returns a function that schedules `work` for the next animation frame, once however often it is called. */
export function onNextFrame(work) {
  let scheduled = false;
  return () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      work();
    });
  };
}

/** Copies text to the clipboard and shows the result on the button for a moment. */
export async function copy(text, button) {
  const label = (button.dataset.label ??= button.textContent);
  try {
    await navigator.clipboard.writeText(text); // only over HTTPS or on localhost
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed';
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1500);
}

/** Shortens a session id to its end, because the sessions of a node share the beginning. Rooms and users stay. */
export const shortId = (id) => (id.length > 14 && !/^[#@]/.test(id) ? `…${id.slice(-10)}` : id);
