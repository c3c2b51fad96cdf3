/**
 * A small disk of a test's own, where the machine lets it mount one.
 *
 * @module
 */

import { tempDirectory } from "./node_process.ts";

/** Mounts a tmpfs of `size`, such as `48m`; whether that worked. */
export async function mount(path: string, size: string): Promise<boolean> {
  try {
    const command = new Deno.Command("mount", { args: ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path] });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

/** Takes a mounted disk away. */
export async function unmount(path: string): Promise<void> {
  await new Deno.Command("umount", { args: ["--lazy", path] }).output();
}

/** Whether this machine lets a test make a disk of its own. */
export async function canMount(): Promise<boolean> {
  await using directory = await tempDirectory();
  if (!await mount(directory.path, "1m")) return false;
  await unmount(directory.path);
  return true;
}
