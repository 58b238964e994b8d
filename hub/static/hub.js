// Keeps the page true: the server says that something changed, the page asks for the board again.
"use strict";

const branch = document.body.dataset.branch;
const board = document.getElementById("board");
const clock = document.getElementById("clock");

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString("zh-CN", { hour12: false });
  }
}

function tick() {
  clock.textContent = new Date().toLocaleTimeString("zh-CN", { hour12: false, hour: "2-digit", minute: "2-digit" });
}

async function redraw() {
  const answer = await fetch(`/board?branch=${encodeURIComponent(branch)}`, { cache: "no-store" });
  if (!answer.ok) return;
  const known = new Set([...board.querySelectorAll("tr[id]")].map((row) => row.id));
  const scrolled = board.querySelector(".moments ol")?.scrollTop ?? 0;
  board.innerHTML = await answer.text();
  const moments = board.querySelector(".moments ol");
  if (moments) moments.scrollTop = scrolled;
  for (const row of board.querySelectorAll("tr[id]")) if (!known.has(row.id)) row.classList.add("new");
  localTimes(board);
}

async function act(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) await redraw(); // somebody else was quicker: show what is true now
}

board.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled) return;
  button.disabled = true;
  const counter = localStorage.getItem("counter") || "1";
  if (button.dataset.call) {
    act(`/api/v1/branches/${branch}/call`, { service: button.dataset.call, counter });
  } else {
    act(`/api/v1/tickets/${button.dataset.ticket}/events`,
      { branch, day: button.dataset.day, event: button.dataset.event, counter });
  }
});

if (branch) {
  const stream = new EventSource(`/stream?branch=${encodeURIComponent(branch)}`);
  stream.addEventListener("changed", redraw);
  stream.onopen = () => { document.body.classList.remove("lost"); redraw(); };
  stream.onerror = () => document.body.classList.add("lost");
} else {
  setInterval(() => location.reload(), 5000); // nobody has spoken yet
}
localTimes(document);
tick();
setInterval(tick, 1000);
