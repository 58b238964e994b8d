// A teller's side of a call: <div data-call="CASE" data-branch="BRANCH"> becomes pictures, buttons and figures.
// The hub only carries the signalling; sound and pictures go between this page and the terminal. A connection that
// breaks is replaced by a new one ("leg") of the same call. `element.call` is the call, for whoever embeds it; the
// element sends the event "call" with {standing, reason}.
"use strict";

(() => {
  const RESUME_MS = 45000; // lost for longer: over. The terminal counts the same
  const SILENT_MS = 3500;
  const RENEW_MS = 8000; // an offer without an answer is made anew
  const GATHER_MS = 250;
  const FIRST_PAUSE_MS = 400, LONGEST_PAUSE_MS = 2000;
  const NOTE_CHARS = 200;
  const GONE_MS = 5000; // the element was taken out of the page for so long: nobody sees the call

  const WORDS = {
    starting: ["正在打开摄像头和麦克风…", "Opening camera and microphone…"],
    connecting: ["正在接通…", "Connecting…"],
    up: ["通话中", "Connected"],
    lost: ["线路中断，正在恢复…", "The line was cut; coming back…"],
    weak: ["网络较差，暂时只有声音", "Weak line: sound only for now"],
    over: ["通话已结束", "The call is over"],
    lostOver: ["线路没有恢复，通话已结束", "The line did not come back; the call is over"],
    taken: ["这通电话已在另一个页面打开", "This call is open on another page"],
    notYours: ["没有这通电话，或不归您接听", "There is no such call, or it is not yours"],
    noCamera: ["终端没有摄像头画面", "The terminal has no camera"],
    noMicrophone: ["终端没有麦克风，请用文字", "The terminal has no microphone: please write"],
    noSpeaker: ["终端没有声音，请用文字", "The terminal has no loudspeaker: please write"],
    noOwn: ["没有找到您的摄像头或麦克风", "Your camera or microphone was not found"],
    mute: ["静音", "Mute"], unmute: ["取消静音", "Unmute"],
    dark: ["关闭我的画面", "My picture off"], light: ["打开我的画面", "My picture on"],
    blank: ["遮住客户画面", "Blank visitor"], unblank: ["显示客户画面", "Show visitor"],
    document: ["看证件", "See document"], noDocument: ["收起证件", "Close document"],
    share: ["共享我的屏幕", "Share my screen"], unshare: ["停止共享", "Stop sharing"],
    write: ["给客户看一行字", "A line for the visitor"], send: ["发送", "Send"],
    hangUp: ["挂断", "Hang up"],
    press: ["点这里听声音", "Press to hear"],
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
  const made = (tag, css, ...inside) => {
    const element = document.createElement(tag);
    element.className = css;
    element.append(...inside);
    return element;
  };

  class Call {
    constructor(root) {
      this.root = root;
      this.case = root.dataset.call;
      this.branch = root.dataset.branch;
      this.relayOnly = root.dataset.relay === "only";
      this.legs = new Map(); // number → {pc, channel, said, begun, answered}
      this.leg = 0; // the one that carries media
      this.next = 1;
      this.standing = "starting";
      this.over = false;
      this.pause = FIRST_PAUSE_MS;
      this.lostAt = 0;
      this.quietSince = performance.now();
      this.bytes = -1;
      this.ice = [];
      this.refusals = 0;
      this.draw();
      this.begin();
    }

    // ------------------------------------------------------------ what is seen
    draw() {
      const video = (css) => Object.assign(made("video", css), { autoplay: true, playsInline: true });
      this.remote = video("remote");
      this.second = video("second");
      this.second.muted = true;
      this.second.hidden = true;
      this.own = video("own");
      this.own.muted = true;
      this.status = made("p", "standing");
      this.status.setAttribute("role", "status");
      this.hint = made("p", "hint");
      this.figures = made("p", "figures");
      this.hear = this.button("press", () => this.remote.play().then(() => { this.hear.hidden = true; }));
      this.hear.hidden = true;
      this.buttons = {
        mute: this.button("mute", () => this.toggleOwn("audio", "mute", "unmute")),
        dark: this.button("dark", () => this.toggleOwn("video", "dark", "light")),
        blank: this.button("blank", () => this.toggleBlank()),
        document: this.button("document", () => this.toggleDocument()),
        share: this.button("share", () => this.toggleShare()),
        hangUp: this.button("hangUp", () => this.hangUp("done")),
      };
      this.buttons.hangUp.classList.add("danger");
      this.line = Object.assign(document.createElement("input"), { maxLength: NOTE_CHARS, type: "text" });
      this.line.setAttribute("aria-label", WORDS.write.join(" "));
      this.line.placeholder = WORDS.write.join(" ");
      const form = made("form", "write", this.line, made("button", "act", both(WORDS.send)));
      form.addEventListener("submit", (event) => { event.preventDefault(); this.write(this.line.value); });
      this.root.classList.add("yb-call");
      this.root.replaceChildren(
        this.status, made("div", "pictures", this.remote, this.second, this.own, this.hear), this.hint,
        made("div", "acts", ...Object.values(this.buttons)), form, this.figures,
      );
      this.show("starting");
    }

    /* The desk drew its page anew: the same call in another element. */
    moveTo(root) {
      const blanked = this.root.classList.contains("blanked");
      root.replaceChildren(...this.root.childNodes);
      root.classList.add("yb-call");
      root.classList.toggle("blanked", blanked);
      root.dataset.standing = this.standing;
      this.root.call = undefined;
      this.root = root;
      root.call = this;
      for (const video of [this.remote, this.second, this.own]) if (video.srcObject) video.play().catch(() => {});
    }

    button(word, act) {
      const made_ = made("button", "act", both(WORDS[word]));
      made_.type = "button";
      made_.dataset.act = word;
      made_.addEventListener("click", act);
      return made_;
    }

    relabel(button, word, pressed) {
      button.replaceChildren(both(WORDS[word]));
      button.setAttribute("aria-pressed", String(pressed));
    }

    show(standing, word = standing, reason = "") {
      this.standing = standing;
      this.root.dataset.standing = standing;
      this.status.replaceChildren(both(WORDS[word]));
      this.root.dispatchEvent(new CustomEvent("call", { bubbles: true, detail: { standing, reason, case: this.case } }));
    }

    // ------------------------------------------------------------ beginning
    async begin() {
      this.stream = await this.openOwn();
      this.own.srcObject = this.stream;
      if (this.over) return this.stopOwn();
      this.show("connecting");
      this.timer = setInterval(() => this.look(), 1000);
      addEventListener("pagehide", () => this.leave());
      this.openLine();
    }

    async openOwn() {
      const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      const video = { width: 640, height: 480, frameRate: { ideal: 15, max: 30 } };
      let stream = null;
      for (const wish of [{ audio, video }, { audio }, { video }]) {
        try { stream = await navigator.mediaDevices.getUserMedia(wish); break; } catch { /* one of them is not there */ }
      }
      this.noOwn = !stream;
      stream ||= new MediaStream();
      if (!stream.getAudioTracks().length) stream.addTrack(this.silence());
      this.hints();
      return stream;
    }

    /* Where there is no microphone: a line without any packet would be taken for one that was cut. */
    silence() {
      this.quiet = new AudioContext();
      const source = this.quiet.createConstantSource(), end = this.quiet.createMediaStreamDestination();
      source.offset.value = 0;
      source.connect(end);
      source.start();
      return end.stream.getAudioTracks()[0];
    }

    /* What is missing on either side, and a line too weak for pictures. */
    hints() {
      const words = [...(this.noOwn ? ["noOwn"] : []), ...(this.missing || []), ...(this.weak ? ["weak"] : [])];
      this.hint.replaceChildren(...words.map((word) => both(WORDS[word])));
    }

    openLine() {
      if (this.over) return;
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const socket = new WebSocket(`${scheme}://${location.host}/api/v1/branches/${this.branch}/calls/${this.case}/media`);
      this.socket = socket;
      socket.onmessage = (event) => this.take(JSON.parse(event.data));
      socket.onclose = (event) => this.lineClosed(socket, event.code);
    }

    lineClosed(socket, code) {
      if (socket !== this.socket || this.over) return;
      if (code === 4404) return this.end("over", this.everUp ? "over" : "notYours");
      if (code === 4409) return this.end("over", "taken");
      setTimeout(() => this.openLine(), this.pause * (0.8 + 0.4 * Math.random()));
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    }

    say(leg, body) {
      const one = this.legs.get(leg);
      if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return false;
      this.socket.send(JSON.stringify({ leg, said: one ? ++one.said : 1, body }));
      return true;
    }

    // ------------------------------------------------------------ what the hub and the terminal say
    async take({ leg, body }) {
      const one = this.legs.get(leg);
      if (body.kind === "welcome") {
        this.pause = FIRST_PAUSE_MS;
        this.ice = body.ice.map(({ urls, username, credential }) => (
          username ? { urls, username, credential } : { urls }));
        this.next = Math.max(this.next, body.leg);
        for (const each of this.legs.values()) each.said = Math.min(each.said + 20, 480); // the hub counted our absence
        if (this.standing !== "up") this.beginLeg();
      } else if (body.kind === "answer" && one && one.pc.signalingState === "have-local-offer") {
        one.answered = performance.now();
        try { await one.pc.setRemoteDescription({ type: "answer", sdp: body.sdp }); } catch { this.drop(leg); }
      } else if (body.kind === "resume") {
        if (this.standing === "up") this.lost();
        this.renew(3000);
      } else if (body.kind === "media") {
        this.tell(body);
      } else if (body.kind === "hang_up") {
        this.end(body.reason, body.reason === "lost" ? "lostOver" : "over");
      } else if (body.kind === "refused") {
        this.refusals += 1;
        this.refusal = body.code;
      }
    }

    tell(media) {
      const words = [];
      if (!media.camera) words.push("noCamera");
      if (!media.microphone) words.push("noMicrophone");
      if (!media.speaker) words.push("noSpeaker");
      this.missing = words;
      this.weak = media.standing === "up" && !media.picture;
      this.hints();
      this.second.hidden = media.shows === "none";
      this.relabel(this.buttons.document, media.shows === "none" ? "document" : "noDocument", media.shows !== "none");
      this.shows = media.shows;
    }

    // ------------------------------------------------------------ legs
    async beginLeg() {
      if (this.over) return;
      const leg = this.next++;
      const pc = new RTCPeerConnection({
        iceServers: this.ice, bundlePolicy: "max-bundle", iceTransportPolicy: this.relayOnly ? "relay" : "all" });
      const one = { pc, said: 0, begun: performance.now(), answered: 0, early: [], offered: false };
      this.legs.set(leg, one);
      pc.addTransceiver(this.stream.getAudioTracks()[0] || "audio", { direction: "sendrecv", streams: [this.stream] });
      pc.addTransceiver(this.stream.getVideoTracks()[0] || "video", { direction: "sendrecv", streams: [this.stream] });
      pc.addTransceiver(this.shared || "video", { direction: "sendrecv" });
      const vp8 = RTCRtpReceiver.getCapabilities("video").codecs.filter(
        ({ mimeType }) => /\/(VP8|rtx)$/i.test(mimeType));
      for (const each of pc.getTransceivers().slice(1)) each.setCodecPreferences(vp8);
      one.channel = pc.createDataChannel("desk");
      one.channel.onmessage = (event) => this.word(event.data);
      pc.onicecandidate = ({ candidate }) => {
        if (!candidate) return;
        if (one.offered) this.candidate(leg, candidate); else one.early.push(candidate);
      };
      pc.ontrack = () => { if (leg === this.leg) this.attach(one); };
      pc.onconnectionstatechange = () => this.changed(leg, one);
      await pc.setLocalDescription();
      const gathered = new Promise((done) => {
        pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && done());
      });
      await Promise.race([gathered, new Promise((done) => setTimeout(done, GATHER_MS))]);
      if (this.over || !this.legs.has(leg)) return;
      one.early = []; // they stand in the description
      if (!this.say(leg, { kind: "offer", sdp: pc.localDescription.sdp })) return this.drop(leg);
      one.offered = true;
    }

    candidate(leg, { candidate, sdpMid, sdpMLineIndex }) {
      this.say(leg, { kind: "candidate", candidate, mid: sdpMid || "", line: sdpMLineIndex || 0 });
    }

    changed(leg, one) {
      const state = one.pc.connectionState;
      if (state === "connected" && leg >= this.leg) {
        this.leg = leg;
        this.quietSince = performance.now();
        this.lostAt = 0;
        this.everUp = true;
        for (const older of [...this.legs.keys()].filter((each) => each < leg)) this.drop(older);
        this.attach(one);
        this.show("up");
      } else if (leg === this.leg && ["disconnected", "failed", "closed"].includes(state)) {
        this.lost();
        this.renew(0);
      } else if (state === "failed") {
        this.drop(leg);
      }
    }

    attach(one) {
      const [sound, face, second] = one.pc.getTransceivers().map((each) => each.receiver.track);
      this.remote.srcObject = new MediaStream([sound, face].filter(Boolean));
      this.remote.play().catch(() => { this.hear.hidden = false; });
      if (second) this.second.srcObject = new MediaStream([second]);
    }

    lost() {
      if (this.over || this.standing === "lost") return;
      this.lostAt = performance.now();
      this.show("lost");
    }

    /* A new leg, unless the newest is younger than `atLeast` milliseconds and may still come about. */
    renew(atLeast) {
      const newest = [...this.legs.values()].at(-1);
      const newer = newest && this.legs.get(this.leg) !== newest;
      if (newer && performance.now() - newest.begun < Math.max(atLeast, 2000)) return;
      this.beginLeg();
    }

    drop(leg) {
      const one = this.legs.get(leg);
      if (!one) return;
      this.legs.delete(leg);
      one.pc.onconnectionstatechange = one.pc.ontrack = one.pc.onicecandidate = null;
      one.pc.close();
    }

    // ------------------------------------------------------------ once a second
    async look() {
      if (this.over) return;
      const now = performance.now();
      if (this.root.isConnected) this.missingSince = 0;
      else if (!this.missingSince) this.missingSince = now;
      else if (now - this.missingSince > GONE_MS) return this.hangUp("page_closed");
      const one = this.legs.get(this.leg);
      if (one) await this.measure(one, now);
      if (this.standing === "up" && now - this.quietSince > SILENT_MS) { this.lost(); this.renew(0); }
      if (this.standing === "lost" && now - this.quietSince < 1500 && one && one.pc.connectionState === "connected") {
        this.lostAt = 0; // it came back by itself
        this.show("up");
      }
      if (this.standing === "lost" && this.lostAt && now - this.lostAt > RESUME_MS) {
        this.say(Math.max(...this.legs.keys(), this.leg), { kind: "hang_up", reason: "lost" });
        return this.end("lost", "lostOver");
      }
      if (["lost", "connecting"].includes(this.standing)) this.renew(RENEW_MS);
    }

    async measure(one, now) {
      let bytes = 0, fps = 0, lost = 0, came = 0, rtt = 0, way = "", sound = {};
      const report = await one.pc.getStats();
      for (const each of report.values()) {
        if (each.type === "inbound-rtp") {
          bytes += each.bytesReceived; lost += each.packetsLost; came += each.packetsReceived;
          if (each.kind === "audio") {
            sound = { lost: each.packetsLost, came: each.packetsReceived, concealed: each.concealedSamples,
                      samples: each.totalSamplesReceived };
          }
          if (each.kind === "video" && each.framesPerSecond) fps = Math.max(fps, each.framesPerSecond);
        }
        if (each.type === "candidate-pair" && each.nominated) {
          rtt = each.currentRoundTripTime || 0;
          const local = report.get(each.localCandidateId);
          if (local) way = local.candidateType + (local.relayProtocol ? `/${local.relayProtocol}` : "");
        }
      }
      if (bytes !== this.bytes) this.quietSince = now;
      const kbit = this.measured ? 8 * (bytes - this.bytes) / (now - this.measured) : 0;
      this.bytes = bytes;
      this.measured = now;
      this.stats = { fps, rtt_ms: rtt * 1000, lost, came, kbit, way, sound };
      const share = came ? (100 * Math.max(lost, 0) / (came + Math.max(lost, 0))).toFixed(1) : "0";
      this.figures.textContent = `${fps} fps · ${Math.max(kbit, 0).toFixed(0)} kbit/s · ${(rtt * 1000).toFixed(0)} ms · ${share} % · ${way}`;
    }

    // ------------------------------------------------------------ what a teller does
    word(text) {
      const said = JSON.parse(text);
      if (said.kind === "bye") this.end(said.reason || "done", "over");
      if (said.kind === "media" && this.standing === "up") { this.weak = !said.picture; this.hints(); }
    }

    tellTerminal(word) {
      const one = this.legs.get(this.leg);
      if (one && one.channel.readyState === "open") one.channel.send(JSON.stringify(word));
    }

    toggleOwn(kind, off, on) {
      const track = kind === "audio" ? this.stream.getAudioTracks()[0] : this.stream.getVideoTracks()[0];
      if (!track) return;
      track.enabled = !track.enabled;
      this.relabel(this.buttons[off], track.enabled ? off : on, !track.enabled);
    }

    toggleBlank() {
      const blanked = this.root.classList.toggle("blanked");
      this.relabel(this.buttons.blank, blanked ? "unblank" : "blank", blanked);
    }

    toggleDocument() {
      this.tellTerminal({ kind: "show", source: this.shows && this.shows !== "none" ? "none" : "document" });
    }

    async toggleShare() {
      if (this.shared) {
        this.shared.stop();
        this.shared = null;
      } else {
        try {
          const screen = await navigator.mediaDevices.getDisplayMedia({ video: { width: { max: 1280 }, height: { max: 720 }, frameRate: { max: 10 } } });
          this.shared = screen.getVideoTracks()[0];
          this.shared.onended = () => { if (this.shared) this.toggleShare(); };
        } catch { return; } // the teller thought better of it
      }
      for (const { pc } of this.legs.values()) await pc.getTransceivers()[2].sender.replaceTrack(this.shared || null);
      this.relabel(this.buttons.share, this.shared ? "unshare" : "share", Boolean(this.shared));
    }

    write(text) {
      if (!text.trim()) return;
      this.tellTerminal({ kind: "write", text: text.slice(0, NOTE_CHARS) });
      this.line.value = "";
    }

    hangUp(reason) {
      this.tellTerminal({ kind: "bye", reason });
      this.say(Math.max(...this.legs.keys(), this.leg, 1), { kind: "hang_up", reason });
      this.end(reason, "over");
    }

    // ------------------------------------------------------------ the end
    leave() {
      if (this.over) return;
      this.over = true;
      this.socket?.close(3001);
      this.close();
    }

    end(reason, word) {
      if (this.over) return;
      this.over = true;
      this.reason = reason;
      setTimeout(() => this.socket?.close(1000), 300); // the goodbye leaves first
      this.close();
      this.show("over", word, reason);
      for (const button of Object.values(this.buttons)) button.disabled = true;
    }

    close() {
      clearInterval(this.timer);
      for (const leg of [...this.legs.keys()]) this.drop(leg);
      this.stopOwn();
    }

    stopOwn() {
      for (const track of this.stream ? this.stream.getTracks() : []) track.stop();
      this.shared?.stop();
      this.quiet?.close();
      for (const video of [this.own, this.remote, this.second]) video.srcObject = null;
    }
  }

  const calls = new Map(); // case → its call while it is not over: a desk that is drawn anew does not end it
  const mount = (root) => {
    if (root.call) return;
    const going = calls.get(root.dataset.call);
    if (going && !going.over) { going.moveTo(root); return; }
    calls.clear(); // one call at a time; those before are over or end themselves
    root.call = new Call(root);
    calls.set(root.dataset.call, root.call);
  };
  const mountAll = () => document.querySelectorAll("[data-call][data-branch]").forEach(mount);
  window.YingbinCall = { mount };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", mountAll); else mountAll();
  new MutationObserver(mountAll).observe(document.documentElement, { childList: true, subtree: true });
})();
