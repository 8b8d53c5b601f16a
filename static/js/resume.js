/* A form that waited for its sender to confirm who she is: sent on at once. Without this file its button sends it. */
const form = document.querySelector("form[data-resume]");
if (form) HTMLFormElement.prototype.requestSubmit.call(form); // a field may be named requestSubmit
