const KEY = 'switchboard.theme';

/** Follows the system's colour scheme until the button is used. The choice is all that the console stores. */
export function startTheme(button) {
  const system = matchMedia('(prefers-color-scheme: dark)');
  let chosen = localStorage.getItem(KEY);
  const show = () => {
    const dark = chosen === null ? system.matches : chosen === 'dark';
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    button.setAttribute('aria-pressed', String(dark));
  };
  button.addEventListener('click', () => {
    chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem(KEY, chosen);
    show();
  });
  system.addEventListener('change', show);
  show();
}
