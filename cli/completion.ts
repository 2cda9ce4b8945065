import type { Command } from "commander";

/** Scripts that complete commands, tenants' ids, options and their values, made from the commands themselves. */

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Ids come from the registry at the moment of completing. */
const IDS = "npx tenant list --ids 2>/dev/null";

/** What can stand in one place of a command line. */
interface Choice {
  readonly words: readonly string[];
  readonly isId: boolean;
}

interface Completed {
  readonly name: string;
  readonly summary: string;
  /** By place, from the first argument on. */
  readonly args: readonly Choice[];
  readonly options: readonly {
    readonly flag: string;
    readonly about: string;
    readonly words: readonly string[];
  }[];
}

/** The ids of tenants that exist are no help to a new one. */
const completed = (command: Command): Completed => ({
  name: command.name(),
  summary: command.summary(),
  args: command.registeredArguments.map((argument) => ({
    words: argument.argChoices ?? [],
    isId: argument.name() === "id" && command.name() !== "add",
  })),
  options: command.options.map(({ long, short, description, argChoices }) => ({
    flag: long ?? short ?? "",
    about: description,
    words: argChoices ?? [],
  })),
});

export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.map(completed);
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return `autoload -Uz bashcompinit && bashcompinit\n${bash(commands)}`;
    case "fish":
      return fish(commands);
    default:
      return shell satisfies never;
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function bash(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, args, options }) => [
    ...options
      .filter(({ words }) => words.length > 0)
      .map(({ flag, words }) => `    ${name}:*:${flag}) words=${quote(words.join(" "))} ;;`),
    ...args
      .map(({ words, isId }, place) => ({ place, value: isId ? `"$(${IDS})"` : quote(words.join(" ")) }))
      .filter(({ value }) => value !== "''")
      .map(({ place, value }) => `    ${name}:${place + 2}:*) words=${value} ;;`),
  ]);
  const flags = commands.map(
    ({ name, options }) =>
      `      ${name}) words=${quote([...options.map(({ flag }) => flag), "--help"].join(" "))} ;;`,
  );
  return `_tenant() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=${quote(commands.map(({ name }) => name).join(" "))}
  elif [[ "$current" == -* ]]; then
    case "\${COMP_WORDS[1]}" in
${flags.join("\n")}
    esac
  else
    case "\${COMP_WORDS[1]}:$COMP_CWORD:$previous" in
${lines.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _tenant tenant
`;
}

function fish(commands: readonly Completed[]): string {
  const within = (name: string, also = ""): string =>
    `complete -c tenant -n '__fish_seen_subcommand_from ${name}${also}'`;
  // Counted with the command and its subcommand, without options.
  const atPlace = (place: number): string =>
    `; and test (__fish_number_of_cmd_args_wo_opts) -eq ${place + 2}`;
  const lines = commands.flatMap(({ name, summary, args, options }) => {
    const places = args
      .map((choice, place) => ({ ...choice, place }))
      .filter(({ words, isId }) => isId || words.length > 0);
    return [
      `complete -c tenant -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
      ...places.map(
        ({ words, isId, place }) =>
          `${within(name, atPlace(place))} -a ${quote(isId ? `(${IDS})` : words.join(" "))}`,
      ),
      ...options.map(({ flag, about, words }) => {
        const values = words.length > 0 ? ` -x -a ${quote(words.join(" "))}` : "";
        return `${within(name)} -l ${flag.replace(/^--/, "")}${values} -d ${quote(about)}`;
      }),
    ];
  });
  return ["complete -c tenant -f", ...lines, ""].join("\n");
}
