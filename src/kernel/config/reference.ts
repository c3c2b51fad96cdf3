/**
 * Renders the reference page of the configuration from the schemas.
 *
 * Layer: kernel. Pure. `scripts/docs.ts` writes the page; a test compares it with the one in the repository.
 *
 * @module
 */

import { type KeyInfo, listKeys, schemaTree, type Sections } from "./schema.ts";

const INTRODUCTION = `# Configuration reference

<!-- Generated from the schemas by scripts/docs.ts. Do not edit. -->

Every key, its type, its default and its environment name. How the layers lie over each other is in
[configuration.md](../configuration.md). *Restart* says whether a change takes effect only after a restart.
Values of keys marked *secret* are never printed.
`;

/** The page as Markdown, ending with a newline. */
export function renderConfigReference(sections: Sections): string {
  const tree = schemaTree(sections);
  const parts = [...tree.children].map(([name, node]) => {
    const description = sections[name]!.description;
    const intro = description === undefined ? "" : `\n${description}\n`;
    const rows = listKeys(node).map(row).join("\n");
    return `## ${name}\n${intro}\n| Key | Type | Default | Restart | What it does |\n| --- | --- | --- | --- | --- |\n${rows}\n`;
  });
  return [INTRODUCTION, ...parts].join("\n");
}

function row(info: KeyInfo): string {
  const secret = info.secret ? " *(secret)*" : "";
  const cells = [
    `\`${info.key}\`${secret}<br>\`${info.env}\``,
    info.type,
    defaultText(info.defaultValue),
    info.restart ? "yes" : "no",
    info.description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

function defaultText(value: unknown): string {
  if (value === undefined) return "none";
  return `\`${typeof value === "bigint" ? value : JSON.stringify(value)}\``;
}
