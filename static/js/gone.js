/* What is offered for some seconds only, as the Undo after filing, goes when they are over. Its place stays, so that
   nothing moves under the pointer. The server has a clock of its own; without this file it refuses what is too late. */

export function startGone() {
  for (const part of document.querySelectorAll("[data-gone-after]")) {
    setTimeout(() => {
      part.classList.add("is-gone");
      part.inert = true;
    }, Number(part.dataset.goneAfter) * 1000);
  }
}
