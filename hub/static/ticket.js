// One ticket on a phone: asks every few seconds, changes colour and vibrates when it is called, can be given back.
"use strict";

const ticket = document.getElementById("ticket");
const middle = document.getElementById("middle");
const stale = document.getElementById("stale");
const back = document.getElementById("give-back");
const here = location.pathname;
let known = ticket.dataset.state;
let pause = 4000;

function called(state) { return state === "called" || state === "recalled"; }

async function look() {
  try {
    const answer = await fetch(`${here}/state`, { cache: "no-store" });
    stale.hidden = answer.ok;
    if (answer.ok) {
      const state = await answer.json();
      const shown = JSON.stringify([state.ahead, state.minutes, state.offers]);
      if (state.state !== known || ticket.dataset.shown !== shown) await redraw(state, shown);
      pause = state.ended ? 60000 : state.ahead !== null && state.ahead < 3 ? 2000 : 5000;
    }
  } catch { stale.hidden = false; }
  setTimeout(look, pause);
}

async function redraw(state, shown) {
  const page = new DOMParser().parseFromString(await (await fetch(here, { cache: "no-store" })).text(), "text/html");
  middle.replaceChildren(...page.getElementById("middle").childNodes);
  ticket.dataset.state = state.state;
  ticket.dataset.shown = shown;
  if (back) back.hidden = !state.may_give_back;
  if (called(state.state) && (!called(known) || state.state !== known)) {
    window.vibrated = (window.vibrated || 0) + 1;
    if (navigator.vibrate) navigator.vibrate([400, 200, 400, 200, 800]);
  }
  known = state.state;
}

middle.addEventListener("click", async (event) => { // the middle is drawn anew as the line moves
  if (!event.target.closest("#to-video")) return;
  await fetch(`${here}/to-video`, { method: "POST" });
  location.reload();
});
if (back) {
  back.addEventListener("click", async () => {
    if (!back.classList.contains("sure")) { // a second touch means it
      back.classList.add("sure");
      back.querySelector("[lang=zh]").textContent = "确定退号？再按一次";
      back.querySelector("[lang=en]").textContent = "Sure? Touch again";
      setTimeout(() => location.reload(), 8000);
      return;
    }
    await fetch(`${here}/give-back`, { method: "POST" });
    location.reload();
  });
}
setTimeout(look, 1000);
