// A teller's day: the test of the devices, and the bell. A visitor who is offered rings; where the page is hidden the
// browser shows a notice, too, and the title says so. Nothing that camera or microphone give leaves this page.
"use strict";

(() => {
  const TEST_MS = 5000; // microphone and camera are open for so long at most
  const LOUD = 0.02; // of full scale: somebody spoke
  const RING_EVERY_MS = 3000;
  const TONES = [660, 880, 1100];

  const WORDS = {
    works: ["正常", "Works"], quiet: ["没有声音，请说句话", "Silent: please say something"],
    none: ["没有找到", "Not found"], denied: ["浏览器没有允许", "Not allowed by the browser"],
    busy: ["被别的程序占用", "In use elsewhere"], asked: ["请回答", "Please answer"], bad: ["没听到", "Not heard"],
    on: ["已开启", "On"], off: ["没有开启：页面在后台时只响铃", "Off: it only rings while hidden"],
    tested: ["已测试", "Tested"], missing: ["有设备不能用", "Something does not work"],
    offered: ["有客户来电", "A visitor for you"],
  };
  const both = ([zh, en]) => {
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
  const panel = () => document.getElementById("devices");
  const one = (what) => panel()?.querySelector(what);

  const tell = (device, word, works, name = "") => {
    const row = one(`[data-device=${device}]`);
    if (!row) return;
    row.dataset.works = works;
    row.dataset.word = word;
    row.querySelector(".found").replaceChildren(both(WORDS[word]), name ? ` ${name}` : "");
    const rows = [...panel().querySelectorAll("[data-device]:not([data-device=notice])")];
    if (rows.some(({ dataset }) => !dataset.works)) return;
    const well = rows.every(({ dataset }) => dataset.works === "yes");
    const chip = document.getElementById("tested");
    chip.replaceChildren(both(WORDS[well ? "tested" : "missing"]));
    chip.dataset.well = well ? "yes" : "no";
  };

  // ------------------------------------------------------------ sound
  let sound = null;
  const opened = () => {
    sound ||= new AudioContext();
    if (sound.state === "suspended") sound.resume().catch(() => {});
    return sound;
  };
  const play = () => {
    const at = opened().currentTime;
    TONES.forEach((hz, place) => {
      const tone = sound.createOscillator(), level = sound.createGain();
      tone.frequency.value = hz;
      level.gain.setValueAtTime(0.0001, at + place * 0.35);
      level.gain.exponentialRampToValueAtTime(0.25, at + place * 0.35 + 0.03);
      level.gain.exponentialRampToValueAtTime(0.0001, at + place * 0.35 + 0.3);
      tone.connect(level).connect(sound.destination);
      tone.start(at + place * 0.35);
      tone.stop(at + place * 0.35 + 0.32);
    });
  };

  // ------------------------------------------------------------ the test
  const open = async (wish) => {
    try {
      return [await navigator.mediaDevices.getUserMedia(wish), ""];
    } catch (error) {
      const why = { NotFoundError: "none", OverconstrainedError: "none", NotReadableError: "busy" }[error.name] || "denied";
      return [null, why];
    }
  };

  const lookAt = async () => {
    const [stream, why] = await open({ video: { width: 640, height: 480 } });
    if (!stream) return tell("camera", why, "no");
    const mirror = document.getElementById("mirror");
    mirror.srcObject = stream;
    mirror.hidden = false;
    const [track] = stream.getVideoTracks();
    tell("camera", "works", "yes", track.label);
    setTimeout(() => {
      track.stop();
      mirror.srcObject = null;
      mirror.hidden = true;
    }, TEST_MS);
  };

  const listenTo = async () => {
    const [stream, why] = await open({ audio: true });
    if (!stream) return tell("microphone", why, "no");
    const ear = opened().createAnalyser(), samples = new Float32Array(1024);
    sound.createMediaStreamSource(stream).connect(ear);
    const bar = one(".level");
    bar.hidden = false;
    const [track] = stream.getAudioTracks();
    let loudest = 0;
    tell("microphone", "quiet", "no", track.label);
    const looking = setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      const peak = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      if (peak > LOUD && loudest <= LOUD) tell("microphone", "works", "yes", track.label);
      loudest = Math.max(loudest, peak);
      bar.firstElementChild.style.width = `${Math.min(100, peak * 250)}%`;
    }, 80);
    setTimeout(() => {
      clearInterval(looking);
      track.stop();
      bar.hidden = true;
    }, TEST_MS);
  };

  const mayTell = async () => {
    if (!("Notification" in window)) return tell("notice", "none", "no");
    const answer = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
    tell("notice", answer === "granted" ? "on" : "off", answer === "granted" ? "yes" : "no");
  };

  const ask = (asking) => {
    for (const what of [".heard", "[data-act=heard-yes]", "[data-act=heard-no]"]) one(what).hidden = !asking;
  };

  document.addEventListener("click", (event) => {
    const act = event.target.closest?.("#devices [data-act]")?.dataset.act;
    if (act === "test-devices") {
      play();
      tell("speaker", "asked", "");
      ask(true);
      lookAt();
      listenTo();
      mayTell();
    } else if (act === "heard-yes" || act === "heard-no") {
      ask(false);
      tell("speaker", act === "heard-yes" ? "works" : "bad", act === "heard-yes" ? "yes" : "no");
    }
  });
  addEventListener("pointerdown", opened, { once: true }); // a browser rings only after a first touch

  // ------------------------------------------------------------ the bell
  let ringing = "", timer = 0, notice = null;
  const title = document.title;
  const ring = () => {
    window.YingbinDay.rings += 1;
    play();
  };
  const begin = (name) => {
    ringing = name;
    ring();
    timer = setInterval(() => { if (document.hidden) ring(); }, RING_EVERY_MS); // who looks at the page sees it
    document.title = `● ${WORDS.offered.join(" ")}`;
    if (document.hidden && "Notification" in window && Notification.permission === "granted") {
      notice = new Notification(WORDS.offered.join(" "), { tag: "yingbin-offer", requireInteraction: true });
      notice.onclick = () => { window.focus(); notice?.close(); };
      window.YingbinDay.notices += 1;
    }
  };
  const end = () => {
    ringing = "";
    clearInterval(timer);
    notice?.close();
    notice = null;
    document.title = title;
  };
  const look = () => {
    const offered = document.querySelector("[data-act=accept]") ? document.getElementById("case")?.dataset.case || "" : "";
    if (offered === ringing) return;
    if (ringing) end();
    if (offered) begin(offered);
  };
  window.YingbinDay = { rings: 0, notices: 0 };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
})();
