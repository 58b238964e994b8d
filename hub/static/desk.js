// The desk's language and the way out. The rest of the desk is drawn by the server.
"use strict";
document.documentElement.dataset.tongue = localStorage.getItem("tongue") || "zh";
document.addEventListener("keydown", (event) => { // space calls the next one; it does not scroll the page
  if (event.key === " " && !event.target.closest("input, textarea, summary, button, a, .q-field")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const root = document.documentElement;
  if (event.target.closest("[data-tongue].tongue")) {
    root.dataset.tongue = root.dataset.tongue === "zh" ? "en" : "zh";
    localStorage.setItem("tongue", root.dataset.tongue);
    if (event.detail) event.target.closest("button").blur(); // after a mouse the desk's keys go on working
  }
  const leave = event.target.closest("[data-leave]");
  if (leave) {
    fetch("/sign-out", { method: "POST", headers: { "X-CSRF-Token": leave.dataset.leave } })
      .finally(() => { location.href = "/sign-in"; });
  }
});
