document.querySelectorAll(".table:not(.funnel) table").forEach(function (table) {
  table.querySelectorAll("thead th").forEach(function (head, column) {
    head.classList.add("sortable");
    head.addEventListener("click", function () {
      var falling = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
      var body = table.tBodies[0];
      function value(row) {
        var cell = row.cells[column];
        return cell.dataset.sort === undefined ? null : Number(cell.dataset.sort);
      }
      Array.from(body.rows).sort(function (a, b) {
        var x = value(a), y = value(b);
        if (x === null || y === null) {
          if (x !== y) { return x === null ? 1 : -1; }
          return falling * a.cells[column].textContent.localeCompare(b.cells[column].textContent);
        }
        return falling * (x - y);
      }).forEach(function (row) { body.appendChild(row); });
      table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", falling < 0 ? "descending" : "ascending");
    });
  });
});
