// A teller for the bench: a camera that draws the time, a microphone that beeps on the second, eyes and ears that
// read the terminal's. Put into the page before anything else; `bench` is what Python reads.
(() => {
  const BITS = 32, CELL = 16, EVERY_MS = 1000, BEEP_MS = 60, ONSET = 0.045;
  const bench = { video: [], first: {}, heard: [], beeped: [], rms: [], came: {} };
  window.bench = bench;
  const wall = () => performance.timeOrigin + performance.now();

  function camera(fps) {
    const canvas = document.createElement("canvas");
    canvas.width = 640; canvas.height = 480;
    const ink = canvas.getContext("2d", { alpha: false });
    const draw = () => {
      const t = wall();
      ink.fillStyle = "#446"; ink.fillRect(0, 0, 640, 480);
      ink.fillStyle = "#eda"; ink.beginPath(); ink.arc(320 + 200 * Math.sin(t / 500), 260, 80, 0, 7); ink.fill();
      const value = BigInt(Math.floor(t)) & 0xffffffffn;
      for (let bit = 0; bit < BITS; bit++) {
        ink.fillStyle = (value >> BigInt(bit)) & 1n ? "#fff" : "#000";
        ink.fillRect(bit * CELL, 0, CELL, CELL);
      }
    };
    draw();
    setInterval(draw, 1000 / fps);
    return canvas.captureStream(fps).getVideoTracks()[0];
  }

  function microphone() {
    const sound = new AudioContext({ sampleRate: 48000 });
    const out = sound.createMediaStreamDestination();
    const tone = sound.createOscillator(), gate = sound.createGain();
    tone.frequency.value = 1000; gate.gain.value = 0;
    tone.connect(gate).connect(out); tone.start();
    let next = Math.ceil(sound.currentTime) + 1;
    setInterval(() => {
      while (next < sound.currentTime + 1.5) {
        gate.gain.setValueAtTime(0.3, next);
        gate.gain.setValueAtTime(0, next + BEEP_MS / 1000);
        bench.beeped.push(wall() + (next - sound.currentTime) * 1000);
        next += EVERY_MS / 1000;
      }
    }, 400);
    return out.stream.getAudioTracks()[0];
  }

  let own = null;
  navigator.mediaDevices.getUserMedia = async () => {
    own = own || [camera(window.benchFps || 15), microphone()];
    return new MediaStream(own.map((track) => track.clone()));
  };

  const eye = document.createElement("canvas");
  eye.width = 640; eye.height = 32;
  const look = eye.getContext("2d", { willReadFrequently: true });
  window.watchCall = (root) => {
    const { call } = root, video = call.remote, id = root.dataset.call;
    let count = 0, listening = null;
    const seen = () => {
      if (!bench.first[id]) bench.first[id] = wall();
      bench.came[id] = (bench.came[id] || 0) + 1;
      if (++count % 3 === 0) {
        look.drawImage(video, 0, 0, 640, 32, 0, 0, 640, 32);
        const pixels = look.getImageData(0, 8, 512, 1).data;
        let value = 0n;
        for (let bit = 0; bit < BITS; bit++) if (pixels[(bit * CELL + 8) * 4] > 128) value |= 1n << BigInt(bit);
        const ago = Number((BigInt(Math.floor(wall())) - value) & 0xffffffffn);
        if (ago < 10000) bench.video.push([wall(), ago]);
      }
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
    const ears = new AudioContext({ sampleRate: 48000 });
    let quiet = 100, loud = [0, 0];
    const listen = () => {
      if (call.over) { ears.close(); return; }
      const track = video.srcObject && video.srcObject.getAudioTracks()[0];
      if (track && track !== listening) {
        listening = track;
        const ear = ears.createScriptProcessor(256, 1, 1);
        ears.createMediaStreamSource(new MediaStream([track])).connect(ear);
        ear.connect(ears.destination);
        ear.onaudioprocess = ({ inputBuffer }) => {
          if (track !== listening) return;
          const data = inputBuffer.getChannelData(0);
          const at = data.findIndex((x) => Math.abs(x) > ONSET);
          if (at >= 0 && quiet > 40) bench.heard.push(wall() - (data.length - at) / 48);
          quiet = at >= 0 ? 0 : quiet + 1;
          loud = [loud[0] + 1, loud[1] + (at >= 0 ? 1 : 0)];
          bench.blocks = loud;
        };
      }
      setTimeout(listen, 50);
    };
    listen();
  };
  window.beginCall = (id, branch, relay) => {
    document.querySelectorAll("[data-call]").forEach((old) => old.remove());
    const root = document.createElement("div");
    Object.assign(root.dataset, { call: id, branch, relay });
    document.body.append(root);
    window.YingbinCall.mount(root);
    window.watchCall(root);
    return root.call.standing;
  };
  window.callNow = () => {
    const { call } = document.querySelector("[data-call]");
    return { standing: call.standing, reason: call.reason || "", leg: call.leg, stats: call.stats || {},
             legs: [...call.legs.values()].map((one) => one.pc.connectionState), refusals: call.refusals };
  };
})();
