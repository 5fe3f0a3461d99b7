// What the page knows, and what of it is on screen.

const data = JSON.parse(document.getElementById("data").textContent);
const { signal } = new AbortController(); // plots ask for one; this page ends all at once
const page = { set: data.sets.length - 1, splits: data.splits, shown: "" }; // shown: a finding's key, or one of these:
const REFERENCE = "(reference)";
const TILE = 38; // pixels
const MOST_LINES = 30; // classes that get a line of images each
const MOST_EXPECTED = 40; // of the reference's images beside a finding
const current = () => data.sets[page.set];
