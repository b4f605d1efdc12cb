"use strict";

// The shows that are over, from /api/v1/sessions, below what is on. It draws with dashboard.js.

const pastEvery = 10000; // ms
const pastShown = 10; // of those the relay remembers

const times = (n, one, ...more) => n > 0 && list([n === 1 ? `${one} once` : `${one} ${n} times`, ...more], " ");

// story says what became of a show, in the order in which it matters.
const story = (s) => list([
  times(s.holds, "held", `for ${span(s.held_seconds * 1000)}`),
  times(s.switches, "another encoder took over"),
  times(s.restarts, "the relay was started again"),
  s.why ? `ended: ${s.why}` : "its end is not known",
], "; ");

const files = ({ recordings: all, summary }) => list([...(all.length > 3 ? [many(all.length, "recording")] : all), summary], " · ");

// again leads to the player of a show that can still be watched.
function again({ stream, show, playback }) {
  const session = show?.match(/([^/]+)\.m3u8$/)?.[1];
  return session && $("a", { href: `/watch/${encodeURIComponent(stream)}?show=${session}`,
    "data-pass": playback === "token" && stream, "data-show": session, "aria-label": `watch the show of ${session}` }, "watch");
}

function past(all, now) {
  return [
    $("h2", {}, "Past shows"),
    $("table", {}, $("thead", {}, $("tr", {}, ...["Show", "Length", "What happened"].map((t) => $("th", { scope: "col" }, t)))),
      $("tbody", {}, ...all.slice(0, pastShown).map((s) => $("tr", { id: `past/${s.stream}/${s.start}` },
        $("th", { scope: "row" }, clock(s.start, now), $("small", {}, list([s.stream, s.publishers.length > 0 && `with key ${list(s.publishers.map((p) => `“${p}”`))}`]))),
        $("td", {}, span(s.seconds * 1000), $("small", {}, again(s))),
        $("td", {}, story(s), $("small", {}, files(s))))))),
    all.length > pastShown && $("p", {}, `${all.length - pastShown} earlier ones are in `, $("a", { href: "/api/v1/sessions" }, "/api/v1/sessions"), "."),
  ].filter(Boolean);
}

async function remember() {
  try {
    const answer = await fetch("/api/v1/sessions", { cache: "no-store", signal: AbortSignal.timeout(patience) });
    if (!answer.ok) throw new Error(answer.statusText);
    const { sessions } = await answer.json();
    draw("past", sessions.length ? past(sessions, new Date(Date.now() + ahead)) : []);
  } catch (e) {
    console.error(e); // dashboard.js says that the relay does not answer
  }
  setTimeout(remember, pastEvery);
}
remember();
