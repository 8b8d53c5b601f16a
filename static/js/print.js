/* A button that opens the browser's own print dialogue: data-print. */
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) {
    window.print();
  }
});
