// Beside a call: an approved answer into the line for the visitor, a caption into the account, and promises that nobody
// may make, told while they are written. What is written to a visitor never passes the hub, so it is looked at here.
"use strict";

(() => {
  const WATCHED = ".yb-call form.write input, .wrap-up textarea, .transfer textarea";
  const AGAIN_MS = 15000; // so long a second press sends what was flagged

  let rules = null;
  const read = () => {
    if (rules) return rules;
    const source = document.getElementById("promises");
    if (!source) return [];
    rules = JSON.parse(source.textContent).map((row) => ({ ...row, patterns: row.patterns.map((one) => new RegExp(one)) }));
    return rules;
  };
  const promised = (text) => read().filter(({ patterns }) => patterns.some((one) => one.test(text.toLowerCase())));

  const both = (zh, en) => {
    const span = document.createElement("span");
    span.className = "both";
    for (const [tag, language, text] of [["span", "zh", zh], ["small", "en", en]]) {
      const part = document.createElement(tag);
      part.lang = language;
      part.textContent = text;
      span.append(part, " ");
    }
    return span;
  };

  /* The warning below a field; none while nothing is promised. */
  const flag = (field, found) => {
    const place = field.closest("form.write, .q-field") || field;
    let told = place.nextElementSibling;
    if (!told || !told.classList.contains("promised")) {
      if (!found.length) return;
      told = document.createElement("p");
      told.className = "promised";
      told.setAttribute("role", "alert");
      place.after(told);
    }
    if (!found.length) { told.remove(); return; }
    told.dataset.promise = found.map(({ id }) => id).join(" ");
    told.replaceChildren(both("⚠ ", "⚠ "), ...found.map(({ zh, en }) => both(`${zh}。`, `${en}. `)));
  };

  document.addEventListener("input", (event) => {
    if (event.target.matches?.(WATCHED)) flag(event.target, promised(event.target.value));
  }, true);

  let held = { text: "", at: 0 };
  document.addEventListener("submit", (event) => {
    const line = event.target.matches?.(".yb-call form.write") && event.target.querySelector("input");
    if (!line) return;
    const found = promised(line.value);
    const again = held.text === line.value && performance.now() - held.at < AGAIN_MS;
    if (!found.length || again) {
      held = { text: "", at: 0 };
      setTimeout(() => flag(line, promised(line.value)));
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    held = { text: line.value, at: performance.now() };
    flag(line, found);
    const told = line.closest("form.write").nextElementSibling;
    told.append(both("改一改；再按一次发送就照样发出。", "Please rephrase it; pressing send again sends it as it is."));
  }, true);

  document.addEventListener("click", (event) => {
    const suggest = event.target.closest?.("[data-suggest]");
    const quote = event.target.closest?.("[data-quote]");
    const field = suggest ? document.querySelector(".yb-call form.write input")
      : quote ? document.querySelector(".wrap-up textarea") : null;
    if (!field) return;
    const said = suggest ? suggest.dataset.suggest : quote.dataset.quote;
    const text = suggest ? said : `${field.value}${field.value && !/\s$/.test(field.value) ? " " : ""}“${said}”`;
    if (field.maxLength > 0 && text.length > field.maxLength) return;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });

  window.YingbinHelp = { promised };
})();
