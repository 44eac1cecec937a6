import { blockErrors } from './catalogue/block-errors.ts'
import { configErrors } from './catalogue/config-errors.ts'
import { daemonErrors } from './catalogue/daemon-errors.ts'
import { driverErrors } from './catalogue/driver-errors.ts'
import { fileErrors } from './catalogue/file-errors.ts'
import { guestErrors } from './catalogue/guest-errors.ts'
import { imageErrors } from './catalogue/image-errors.ts'
import { inputErrors } from './catalogue/input-errors.ts'

export interface CatalogueEntry {
  /** What the code means. */
  readonly summary: string
  /** What to do next. */
  readonly remedy: string
  /** The code only appears among the diagnostics of a report, never as the error of a command. */
  readonly finding?: true
}

/**
 * Every stable code of errors and diagnostics, whatever package it comes from. `docs/errors.md` is made from it (`tools/errors/generate.ts`), and
 * `tools/errors/check.ts` finds codes that are missing here or used nowhere.
 */
export const errorCatalogue: Readonly<Record<string, CatalogueEntry>> = {
  ...inputErrors,
  ...imageErrors,
  ...driverErrors,
  ...configErrors,
  ...daemonErrors,
  ...blockErrors,
  ...guestErrors,
  ...fileErrors,
}

/** The sections of the catalogue, in the order a deploy meets them. */
export const catalogueSections: readonly { readonly title: string; readonly entries: Readonly<Record<string, CatalogueEntry>> }[] = [
  { title: 'The request and the command line', entries: inputErrors },
  { title: 'The image and its files', entries: imageErrors },
  { title: 'Drivers, appliance and configuration', entries: driverErrors },
  { title: 'Configuration of the daemon', entries: configErrors },
  { title: 'The daemon', entries: daemonErrors },
  { title: 'What is on the disk', entries: blockErrors },
  { title: "The guest's operating system", entries: guestErrors },
  { title: 'Files, tools and time', entries: fileErrors },
]
