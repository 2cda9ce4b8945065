// Sorts a table by the column whose heading is pressed; pressed again, the other way round.
for (const head of document.querySelectorAll("table.rows thead th[data-sort]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const row = head.parentElement;
    const body = head.closest("table").tBodies[0];
    const index = [...row.children].indexOf(head);
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of row.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyOf = (line) => line.children[index].dataset.key ?? line.children[index].textContent.trim();
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    const lines = [...body.rows].sort((a, b) => {
      const [left, right] = [keyOf(a), keyOf(b)];
      // What is not known comes last, whichever way.
      if (left === "" || right === "") return Number(left === "") - Number(right === "");
      const [x, y] = [Number(left), Number(right)];
      const order = Number.isNaN(x) || Number.isNaN(y) ? compare(left, right) : x - y;
      return up ? order : -order;
    });
    body.append(...lines);
  });
}
