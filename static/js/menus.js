/* <details data-menu> behaves as a menu: one open at a time, closed by Escape or a click elsewhere.
   [data-open="id"] and [data-close] open and close a <dialog>. Both work as plain elements without this file. */

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const opener = event.target.closest("[data-open]");
  if (opener) {
    for (const menu of openMenus()) menu.open = false;
    openDialog(document.getElementById(opener.dataset.open));
  }
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.hasAttribute("data-light")) event.target.close();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary")?.focus();
  }
});

/** Open a dialog unless another one is open: never a dialog over a dialog. */
export function openDialog(dialog) {
  if (!dialog || document.querySelector("dialog[open]")) return false;
  dialog.showModal();
  return true;
}
