// HLS by hls.js: the usual way. It has every rendition, goes back in time, and lives through a bad network.

import { show } from "./addresses.js";
import { load } from "./library.js";

const repairs = 3; // of the decoder, in one attempt, before all is begun anew

// start plays url in the video element. It calls
//   on.levels(list)   with the renditions there are
//   on.over(end)      when nothing more comes: {ended} the show is over, {code} of HTTP, {unable} in words, {} for all else
//   on.fault(what)    for each fatal error, for the record
export async function start(video, url, on) {
  const Hls = await load("/static/hls.min.js", "Hls");
  const hls = new Hls({
    liveSyncDurationCount: 2, // two segments behind: one is played while one is on its way
    maxLiveSyncPlaybackRate: 1.1, // what a stall cost is won back, too slowly to be heard
    capLevelToPlayerSize: true,
    backBufferLength: 90, // s
  });
  let repaired = 0;
  let over = false;
  const end = (why) => {
    if (over) return;
    over = true;
    on.over(why);
  };
  hls.on(Hls.Events.MANIFEST_PARSED, () => on.levels(hls.levels.map((l) => ({ height: l.height, bitrate: l.bitrate }))));
  hls.on(Hls.Events.LEVEL_SWITCHED, () => on.levels());
  hls.on(Hls.Events.LEVEL_LOADED, (_, { details }) => {
    // The playlist of a show that is over stays for a while: who comes now has missed it, who watches sees its end.
    if (!details.live && !show && video.readyState === 0) end({ ended: true });
  });
  hls.on(Hls.Events.ERROR, (_, e) => {
    if (!e.fatal) return;
    on.fault(`hls.js: ${e.type} ${e.details}`);
    if (/[cC]odec/.test(e.details)) return end({ unable: "This browser does not play this stream's codec." });
    if (e.type === Hls.ErrorTypes.MEDIA_ERROR && repaired++ < repairs) return hls.recoverMediaError();
    end({ code: e.response?.code });
  });
  const atEnd = () => end({ ended: true });
  video.addEventListener("ended", atEnd);
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    stop() {
      over = true;
      video.removeEventListener("ended", atEnd);
      hls.destroy();
    },
    // latency is in seconds by the clock in the playlist, or by the newest segment where it has none; skew is how much
    // the viewer's clock is ahead of the relay's.
    latency: (skew) => (show ? NaN : hls.playingDate ? (Date.now() - skew - hls.playingDate) / 1000 : hls.latency || NaN),
    edge: () => hls.liveSyncPosition ?? NaN,
    seekable: () => (video.seekable.length ? [video.seekable.start(0), hls.liveSyncPosition ?? video.seekable.end(0)] : [0, 0]),
    // choose takes a rendition by its place in the list, -1 for whatever the network carries.
    choose(i) {
      hls.nextLevel = i;
    },
    shown: () => hls.levels[hls.currentLevel]?.height ?? 0,
  };
}
