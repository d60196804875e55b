"use strict";
// Sort a table by the column whose head is clicked; a second click turns the order.
function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
}
function order(one, other, sign) {
  if (typeof one === "number" && typeof other === "number") return sign * (one - other);
  if (typeof one === "number") return -1; // a dash stays behind every number
  if (typeof other === "number") return 1;
  return sign * one.localeCompare(other, undefined, { numeric: true });
}
function sortBy(head) {
  const table = head.closest("table");
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const column = head.cellIndex, sign = ascending ? 1 : -1;
  body.append(...[...body.rows].sort((a, b) => order(key(a, column), key(b, column), sign)));
}
for (const head of document.querySelectorAll("th")) {
  head.addEventListener("click", () => sortBy(head));
  head.addEventListener("keydown", (event) => { if (event.key === "Enter") sortBy(head); });
}

// A shadow at the right edge of a table that goes on there.
function shade(wide) {
  const left = wide.scrollWidth - wide.clientWidth - wide.scrollLeft;
  wide.parentNode.classList.toggle("more", left > 2);
}
const wides = [...document.querySelectorAll(".wide")];
for (const wide of wides) wide.addEventListener("scroll", () => shade(wide));
window.addEventListener("resize", () => wides.forEach(shade));
wides.forEach(shade);

// Show the rows that hold every word of the filter, and of the sections those that hold such rows.
const filter = document.getElementById("filter");
const holds = (text, words) => words.every((word) => text.toLowerCase().includes(word));
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const rows = [...document.querySelectorAll("tbody tr")];
  for (const row of rows) row.hidden = !holds(row.textContent, words);
  for (const place of document.querySelectorAll(".grid, section.tables")) {
    place.hidden = !place.querySelector("tbody tr:not([hidden])");
  }
  for (const place of document.querySelectorAll("section.plots")) {
    place.hidden = !place.dataset.jobs.split("\n").some((job) => holds(job, words));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  const told = `${shown} row${shown === 1 ? "" : "s"} of ${rows.length}`;
  document.getElementById("shown").textContent = words.length ? told : "";
  wides.forEach(shade);
});

// Room below each plot for its legend, whose rows depend on the width of the screen.
const AREA = 330, TOP = 50, AXIS = 62, ROW = 20;
function fit(div) {
  const narrow = window.innerWidth <= 600;
  const size = narrow ? 10 : 12;
  const longest = Math.max(...div.data.map((trace) => trace.name.length));
  const columns = Math.max(1, Math.floor((div.clientWidth - 80) / (longest * size * 0.56 + 45)));
  const legend = Math.ceil(div.data.length / columns) * ROW + 12;
  const height = TOP + AREA + AXIS + legend;
  div.style.height = `${height}px`;
  return Plotly.relayout(div, {
    height, "margin.b": AXIS + legend, "margin.l": narrow ? 55 : 80, "margin.r": narrow ? 8 : 20,
    "legend.font.size": size, "legend.maxheight": legend,
  });
}
const drawn = [...document.querySelectorAll(".plotly-graph-div")];
let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return; // a phone's address bar comes and goes
  width = window.innerWidth;
  drawn.forEach(fit);
});
drawn.forEach(fit);
