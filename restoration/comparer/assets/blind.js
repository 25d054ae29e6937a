// A blind test: two results at a time, without names, sides by chance. Names and numbers are told
// only at its end, so that no vote is swayed by them.

const VERDICTS = [
  ["first", "Left is better"],
  ["second", "Right is better"],
  ["neither", "No difference"],
];

const BLIND = {
  title: "Blind test",
  key: "t",
  picks: [],
  hint: "Which is the better restoration? Names are shown at the end. Hold the space bar to see the input.",

  fits: (c) => candidates(c).length > 1,

  build(c) {
    c.trial ??= { pairs: drawnPairs(candidates(c)), place: 0, votes: [], over: false };
    c.ballot = make("div", "ballot");
    c.stage.after(c.ballot);
    if (c.trial.over || c.trial.place >= c.trial.pairs.length) return reveal(c);
    const pair = c.trial.pairs[c.trial.place];
    c.peeks = [];
    pair.forEach((index, side) => {
      const name = side ? "Right" : "Left";
      const peek = makeLayer(c, 0, { name: "Input" });
      peek.classList.add("away");
      c.peeks.push([makeLayer(c, index, { name }), peek]);
      makePane(c, ...c.peeks[side]);
    });
    return askFor(c);
  },

  draw(c) {
    for (const [result, input] of c.peeks ?? []) {
      result.classList.toggle("away", c.flipped);
      input.classList.toggle("away", !c.flipped);
    }
  },

  keys: (c) =>
    c.ballot?.querySelector("[data-verdict]")
      ? Object.fromEntries(VERDICTS.map(([verdict], index) => [index + 1, () => vote(c, verdict)]))
      : {},
};

/** The results: neither the input, which comes first, nor the reference. */
function candidates(c) {
  return c.items.map((_, index) => index).filter((index) => index > 0 && index !== c.reference);
}

/** Every pair once, in an order and on sides that chance decides. */
function drawnPairs(all) {
  const pairs = all.flatMap((a, place) => all.slice(place + 1).map((b) => [a, b]));
  for (let i = pairs.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [pairs[i], pairs[j]] = [pairs[j], pairs[i]];
  }
  return pairs.map((pair) => (Math.random() < 0.5 ? pair : pair.reverse()));
}

function askFor(c) {
  const { place, pairs, votes } = c.trial;
  const buttons = VERDICTS.map(([verdict, text], index) => {
    const button = makeButton(text, text, () => vote(c, verdict));
    button.dataset.verdict = verdict;
    button.title = `${text} (${index + 1})`;
    return button;
  });
  const input = makeButton("Input", "Show the input in both places", () => c.flip(!c.flipped));
  c.inputButton = input;
  input.setAttribute("aria-pressed", "false");
  const stop = makeButton("Show the names", "End the test and show the names", () => end(c));
  stop.disabled = !votes.length;
  const told = make("p", "", {}, `Pair ${place + 1} of ${pairs.length}`);
  const asked = make("div", "verdicts", { role: "group", "aria-label": "Your vote" }, ...buttons);
  c.ballot.append(told, asked, input, stop);
}

function vote(c, winner) {
  const { trial } = c;
  const [first, second] = trial.pairs[trial.place];
  const runs = [c.items[first].run, c.items[second].run];
  const hadFocus = c.ballot.contains(document.activeElement);
  trial.votes.push({ first, second, winner });
  trial.place += 1;
  if (runs[0] && runs[1]) trigger("vote", { first: runs[0], second: runs[1], winner });
  c.rebuild();
  const left = trial.pairs.length - trial.place;
  if (left) c.say(`Your vote is kept. ${left} more ${left > 1 ? "pairs" : "pair"}.`);
  if (hadFocus) (c.ballot.querySelector("button:not(:disabled)") ?? c.stage).focus();
}

function end(c) {
  c.trial.over = true;
  c.rebuild();
  c.ballot.querySelector("button").focus();
}

/** Who won how often, the best first; a tie counts half. */
function tally(c) {
  const rows = candidates(c).map((index) => ({ index, won: 0, tied: 0, lost: 0 }));
  const of = (index) => rows.find((row) => row.index === index);
  for (const { first, second, winner } of c.trial.votes) {
    const [better, worse] = winner === "second" ? [second, first] : [first, second];
    of(better)[winner === "neither" ? "tied" : "won"] += 1;
    of(worse)[winner === "neither" ? "tied" : "lost"] += 1;
  }
  for (const row of rows) {
    row.count = row.won + row.tied + row.lost;
    row.share = row.count ? (row.won + row.tied / 2) / row.count : -1;
  }
  return rows.sort((a, b) => b.share - a.share);
}

function reveal(c) {
  c.trial.over = true;
  const count = c.trial.votes.length;
  c.say(`The test is over: ${count} ${count === 1 ? "vote" : "votes"}. A tie counts half.`);
  const table = make("table");
  const cell = (kind, ...parts) => make(kind, "", kind === "td" ? {} : { scope: "col" }, ...parts);
  const heads = ["Result", "Share of its votes", "Won", "Tied", "Lost"];
  const head = make("tr", "", {}, ...heads.map((text) => cell("th", text)));
  const lines = tally(c).map((row) => {
    const item = c.items[row.index];
    const name = make("th", "", { scope: "row" }, item.label);
    if (item.caption) name.append(make("small", "", {}, item.caption));
    const share = row.count ? `${Math.round(100 * row.share)} %` : "no votes";
    const numbers = [share, row.won, row.tied, row.lost];
    return make("tr", "", {}, name, ...numbers.map((value) => cell("td", String(value))));
  });
  table.append(
    make("caption", "", {}, "What you preferred"),
    make("thead", "", {}, head),
    make("tbody", "", {}, ...lines),
  );
  const again = makeButton("Start again", "Start a new blind test", () => {
    c.trial = null;
    c.rebuild();
    c.stage.focus();
  });
  c.ballot.append(make("div", "tally", {}, table), again);
}
