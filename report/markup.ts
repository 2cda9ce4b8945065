/** Markup that is safe to be part of a page. Only `html` makes it, so that nothing gets into a page unescaped. */
export class Markup {
  readonly text: string;

  constructor(strings: readonly string[], values: readonly Value[]) {
    this.text = strings.map((string, index) => string + written(values[index] ?? "")).join("");
  }
}

type Value = string | number | Markup | readonly Markup[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function written(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** A piece of a page: html`<b>${anything}</b>`. Values are escaped, in text as in quoted attributes. */
export const html = (strings: TemplateStringsArray, ...values: readonly Value[]): Markup =>
  new Markup(strings, values);
