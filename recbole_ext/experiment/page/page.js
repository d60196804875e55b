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

// Show the rows that hold every word of the filter.
const filter = document.getElementById("filter");
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  for (const row of document.querySelectorAll("tbody tr")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
});
