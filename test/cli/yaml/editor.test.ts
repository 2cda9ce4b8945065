import { EditError, YamlEditor } from "../../../cli/yaml/editor.ts";

/** The text after an edit; `|` begins each line, so that white space shows. */
const lines = (text: string): string => text.replaceAll(/^ *\|/gm, "").replace(/^\n/, "");

function edited(text: string, edit: (editor: YamlEditor) => void): string {
  const editor = new YamlEditor("tenants.yaml", text);
  edit(editor);
  return editor.finish();
}

describe("set", () => {
  it.each([
    ['plan: "starter"   # why', 'plan: "enterprise"   # why'],
    ["plan: 'starter'", "plan: 'enterprise'"],
    ["plan:   starter\t", "plan:   enterprise\t"],
    ["plan: &x starter", "plan: &x enterprise"],
    ["plan:", "plan: enterprise"],
    ["plan: # none yet", "plan: enterprise # none yet"],
    ["plan: >-\n  starter\nid: x\n", "plan: enterprise\nid: x\n"],
    ["{plan: starter,id: x}", "{plan: enterprise,id: x}"],
    ['{"plan":"starter"}', '{"plan":"enterprise"}'],
    ["plan:\n  starter # below\n", "plan:\n  enterprise # below\n"],
  ])("replaces the value alone: %j → %j", (before, after) => {
    expect(
      edited(before, (editor) => {
        editor.set(["plan"], "enterprise");
      }),
    ).toBe(after);
  });

  it.each([
    ["no", '"no"'],
    ["2026-01-31", '"2026-01-31"'],
    ["1.10", '"1.10"'],
    ["a: b", '"a: b"'],
    ["a #b", '"a #b"'],
    ["Müller", '"Müller"'],
    ["it's", `"it's"`],
    ["ACME Corp", "ACME Corp"],
    ["line\nbreak", '"line\\nbreak"'],
  ])("quotes a new text where it could be misread: %j", (value, written) => {
    expect(
      edited("id: x\n", (editor) => {
        editor.set(["name"], value);
      }),
    ).toBe(`id: x\nname: ${written}\n`);
  });

  it("gives up a quoting that cannot hold the new text", () => {
    expect(
      edited("name: Plain\n", (editor) => {
        editor.set(["name"], "a: b");
      }),
    ).toBe('name: "a: b"\n');
    expect(
      edited("name: 'single'\n", (editor) => {
        editor.set(["name"], "it's");
      }),
    ).toBe("name: 'it''s'\n");
  });

  it("puts a new field behind those that come before it", () => {
    const text = lines(`
      |tenants:
      |  - plan: enterprise # dear
      |    id: acme
      |    # about features
      |    features:
      |      chatbot: none
      |`);
    expect(
      edited(text, (editor) => {
        editor.set(["tenants", 0, "since"], "2026", ["id", "plan"]);
      }),
    ).toBe(text.replace("id: acme\n", 'id: acme\n    since: "2026"\n'));
  });

  it("puts a new field into a flow map before the comment of its neighbour", () => {
    const text = lines(`
      |- {
      |    id: acme, # the id
      |    plan: enterprise # the plan
      |  }
      |`);
    expect(
      edited(`tenants:\n${text}`, (editor) => {
        editor.set(["tenants", 0, "since"], "x", ["id"]);
      }),
    ).toBe(`tenants:\n${text.replace("    plan", "    since: x,\n    plan")}`);
  });

  it("changes a block field by field", () => {
    const text = "pin:\n  until: '2026-01-31' # audit\n  version: v1.0.0\n  old: x\nid: y\n";
    expect(
      edited(text, (editor) => {
        editor.set(["pin"], { version: "v2.0.0", until: "2027-01-31", reason: "r" });
      }),
    ).toBe("pin:\n  until: '2027-01-31' # audit\n  version: v2.0.0\n  reason: r\nid: y\n");
  });
});

describe("remove", () => {
  it.each([
    ["id: x\npin: { a: b } # old\nplan: y\n", "id: x\nplan: y\n"],
    ["id: x\npin:\n  a: b\n\n# about plan\nplan: y\n", "id: x\n\n# about plan\nplan: y\n"],
    ["id: x\npin: y", "id: x"],
    ["id: x\r\npin: y\r\n", "id: x\r\n"],
    ["id: x\r\npin: y", "id: x"],
    ["{ id: x, pin: y }", "{ id: x }"],
    ["{ pin: y, id: x }", "{ id: x }"],
    ["{ id: x,\n  pin: y, # old\n  plan: z }", "{ id: x,\n  plan: z }"],
  ])("takes a field and its line: %j → %j", (before, after) => {
    expect(
      edited(before, (editor) => {
        editor.remove(["pin"]);
      }),
    ).toBe(after);
  });

  it("moves the next field behind the dash", () => {
    const remove = (text: string) =>
      edited(text, (editor) => {
        editor.remove([0, "pin"]);
      });
    expect(remove("- pin: x\n  id: y\n")).toBe("- id: y\n");
    expect(remove("- pin: x\n  # about the id\n  id: y\n")).toBe("-\n  # about the id\n  id: y\n");
  });

  it("takes the field with the last item of a list", () => {
    expect(
      edited("id: x\ndomains:\n  - a\n", (editor) => {
        editor.remove(["domains", 0]);
      }),
    ).toBe("id: x\n");
  });

  it("does nothing where there is nothing", () => {
    expect(
      edited("id: x\n", (editor) => {
        editor.remove(["pin"]);
      }),
    ).toBe("id: x\n");
  });
});

describe("append", () => {
  it.each([
    ["list: []\nx: 1\n", "list: [{ a: b }]\nx: 1\n", "flow"],
    ["list: [c]\n", "list: [c, { a: b }]\n", "flow"],
  ])("adds to %j", (before) => {
    const text = edited(before, (editor) => {
      editor.append(["list"], { a: "b" });
    });
    expect(text.replaceAll(/\s/g, "")).toContain("{a:b}");
  });

  it("keeps a comment with the item that it is below", () => {
    const text = "tenants:\n  - id: a\n    # pin: later\n  # end of tenants\nother: 1\n";
    expect(
      edited(text, (editor) => {
        editor.append(["tenants"], { id: "b" }, [], true);
      }),
    ).toBe("tenants:\n  - id: a\n    # pin: later\n\n  - id: b\n  # end of tenants\nother: 1\n");
  });

  it("keeps entries together that stand together", () => {
    const text = "tenants:\n- id: a\n- id: b\n";
    expect(
      edited(text, (editor) => {
        editor.append(["tenants"], { id: "c" }, [], true);
      }),
    ).toBe(`${text}- id: c\n`);
  });

  it("begins a list that is empty", () => {
    expect(
      edited("tenants: [] # none yet\n", (editor) => {
        editor.append(["tenants"], { id: "a" }, [], true);
      }),
    ).toBe("tenants: # none yet\n  - id: a\n");
  });
});

describe("a layout that the editor does not know", () => {
  it.each(["? plan\n: starter\n? pin\n: x\n", "plan: *x\n"])("is refused: %j", (text) => {
    expect(() =>
      edited(text, (editor) => {
        editor.set(["plan"], "a");
        editor.remove(["pin"]);
        editor.set(["since"], "b");
      }),
    ).toThrow(EditError);
  });
});
