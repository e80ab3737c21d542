/**
 * Shows the panel of the selected tab (WAI-ARIA, tabs with automatic activation). The arrow keys, Home and End move between
 * the tabs.
 *
 * @param list the element with the tabs, each with `data-tab`; the panels beside it have `data-panel`
 */
export function startTabs(list) {
  const tabs = [...list.querySelectorAll('[data-tab]')];
  const panels = list.parentElement.querySelectorAll('[data-panel]');

  const select = (selected) => {
    for (const tab of tabs) {
      tab.setAttribute('aria-selected', String(tab === selected));
      tab.tabIndex = tab === selected ? 0 : -1;
    }
    for (const panel of panels) panel.hidden = panel.dataset.panel !== selected.dataset.tab;
  };

  list.addEventListener('click', ({ target }) => {
    const tab = target.closest('[data-tab]');
    if (tab) select(tab);
  });
  list.addEventListener('keydown', (event) => {
    const index = tabs.indexOf(document.activeElement);
    const targets = { ArrowRight: index + 1, ArrowLeft: index - 1 + tabs.length, Home: 0, End: tabs.length - 1 };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const tab = tabs[target % tabs.length];
    select(tab);
    tab.focus();
  });
}
