// The lobby's board: asks the hub what to show, shows it, says it once. The hub's timetable decides when.
"use strict";

const branch = document.body.dataset.branch;
const now = document.getElementById("now");
const before = document.getElementById("before");
const waiting = document.getElementById("waiting");
const clock = document.getElementById("clock");
const sound = document.getElementById("sound");
const silent = now.innerHTML;
let shown = 0;
let timer = 0;
let speaking = false;
const toSay = []; // at most a few: the timetable leaves time for each

function element(name, css, text) {
  const made = document.createElement(name);
  if (css) made.className = css;
  made.textContent = text;
  return made;
}

function two(pair, css) {
  const made = element("span", css, "");
  made.append(element("span", "", pair[0]));
  if (pair[1]) { const small = element("small", "", pair[1]); small.lang = "en"; made.append(" ", small); }
  return made;
}

function show(state) {
  if (state.now && state.now.id !== shown) {
    shown = state.now.id;
    const number = element("p", "number", state.now.number);
    const arrow = element("p", "arrow", state.now.counter ? "→" : "");
    const counter = element("p", "counter", state.now.counter);
    const place = two(["号窗口", "counter"], "place");
    const line = element("div", "line", "");
    const desk = element("div", "desk-box", "");
    if (state.now.counter) desk.append(counter, place);
    line.append(number, arrow, desk);
    const words = element("p", "words", state.now.say.zh);
    const english = element("p", "words en", state.now.say.en);
    english.lang = "en";
    now.replaceChildren(line, words, english);
    now.classList.remove("fresh");
    void now.offsetWidth; // restarts the animation
    now.classList.add("fresh");
    say(state.now.say);
  } else if (!state.now) {
    if (shown) now.innerHTML = silent;
    shown = 0;
  }
  before.replaceChildren(...state.before.map((row) => {
    const line = element("li", "", "");
    line.append(element("b", "number", row.number), element("span", "counter", row.counter ? `${row.counter} 号窗口` : ""));
    return line;
  }));
  waiting.replaceChildren(...state.waiting.map((row) => {
    const line = element("p", "", "");
    line.append(two(row.names, "stacked"), element("strong", "", row.waiting));
    return line;
  }));
  document.body.classList.toggle("quiet-hall", !state.now && !state.before.length);
}

// Both languages, one after the other, never over each other. What was said stands in `said` for whoever tests.
function say(words) {
  if (toSay.length < 8) toSay.push(["zh-CN", words.zh], ["en-US", words.en]);
  next();
}

function next() {
  if (speaking || !toSay.length) return;
  const [language, text] = toSay.shift();
  speaking = true;
  window.said = [...(window.said || []), text].slice(-20);
  const done = () => { if (speaking) { speaking = false; next(); } };
  if (!("speechSynthesis" in window)) { done(); return; }
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.lang = language;
  utterance.rate = 0.9;
  utterance.onend = utterance.onerror = done;
  setTimeout(done, 4000); // a browser without voices never says that it is done
  speechSynthesis.speak(utterance);
}

async function look() {
  clearTimeout(timer);
  let pause = 5000;
  try {
    const answer = await fetch(`/board/${branch}/state`, { cache: "no-store" });
    if (answer.ok) {
      const state = await answer.json();
      show(state);
      if (state.next_change_ms !== null) pause = Math.min(Math.max(state.next_change_ms + 30, 100), 5000);
      document.body.classList.remove("lost");
    }
  } catch { document.body.classList.add("lost"); }
  timer = setTimeout(look, pause);
}

function tick() {
  clock.textContent = new Date().toLocaleTimeString("zh-CN", { hour12: false, hour: "2-digit", minute: "2-digit" });
}

// browsers speak only after somebody has touched the page once
sound.addEventListener("click", () => { sound.remove(); if ("speechSynthesis" in window) speechSynthesis.resume(); });
if (navigator.userActivation && navigator.userActivation.hasBeenActive) sound.remove();
new EventSource(`/board/${branch}/live`).addEventListener("changed", look);
look();
tick();
setInterval(tick, 1000);
