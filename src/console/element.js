/** Makes an element with text; what others sent only ever becomes text, never markup. */
export function element(name, className = '', text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Runs work at most once before the next picture, however often it is asked for. */
export function beforeNextPicture(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/** Copies text and says so on the button for a moment. */
export async function copy(text, button) {
  const label = (button.dataset.label ??= button.textContent);
  try {
    await navigator.clipboard.writeText(text); // there is no clipboard on plain HTTP, but on this machine
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed';
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1500);
}

/** An id is long: its end tells sessions apart. */
export const shortId = (id) => (id.length > 14 ? `…${id.slice(-10)}` : id);
