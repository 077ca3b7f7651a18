
"use strict";
// Sorts a table by a column: up at first, then down. A cell's data-v is its value; else its text is.
function sortBy(table, column, header) {
  const down = header.getAttribute("aria-sort") === "ascending";
  for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const text = new Intl.Collator("en", {numeric: true});
  const rows = Array.from(table.tBodies[0].rows, (row) => {
    const cell = row.cells[column];
    return {row, value: "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent};
  });
  rows.sort((a, b) => (typeof a.value === "number" ? a.value - b.value : text.compare(a.value, b.value)) * (down ? -1 : 1));
  table.tBodies[0].append(...rows.map((r) => r.row));
}
for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((th, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...th.childNodes);
    button.addEventListener("click", () => sortBy(table, column, th));
    th.append(button);
  });
}
// Shows the services that have each word of the filter.
const filter = document.getElementById("filter");
if (filter) {
  const body = filter.closest("section").querySelector("tbody");
  const rows = Array.from(body.rows, (row) => ({row, text: Array.from(row.cells, (c) => c.textContent).join(" ").toLowerCase()}));
  const shown = document.getElementById("shown");
  filter.closest("p").hidden = false;
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const {row, text} of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = words.length ? count + " of " + rows.length + " services" : "";
  });
}
