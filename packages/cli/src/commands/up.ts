// `weft up DIR`: start everything a directory describes.
import type { Command } from 'commander'

/** Adds `weft up`. */
export function registerUp(program: Command): void {
  program.command('up').argument('<dir>', 'directory with the mesh and its workloads').description('start a directory')
}
