import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes about the image and its files. */
export const imageErrors = {
  IMAGE_NOT_FOUND: {
    summary: 'The image, or a file of its chain, does not exist.',
    remedy: 'Check the path; a backing file is looked up from the directory of the image that names it.',
  },
  IMAGE_PERMISSION_DENIED: {
    summary: 'The image, or a file of its chain, may not be opened by this user.',
    remedy: 'Run as a user who may read and write the image.',
  },
  IMAGE_UNREADABLE: {
    summary: 'The image could not be read.',
    remedy: "See the system's own error in the message; check the disk it lies on.",
  },
  IMAGE_NOT_A_DISK: {
    summary: 'The path is a directory, a socket or another thing that is no disk image.',
    remedy: 'Give a regular file or a block device.',
  },
  IMAGE_EMPTY: {
    summary: 'The image has no bytes.',
    remedy: 'Check that it was copied completely.',
  },
  IMAGE_DAMAGED: {
    summary: 'The image is truncated, or its header contradicts itself.',
    remedy: 'Check it with "qemu-img check"; copy it again.',
  },
  IMAGE_LOCKED: {
    summary: 'Another process has the image open, usually a running virtual machine.',
    remedy: 'Shut that machine down, or wait for the other deploy to end.',
  },
  IMAGE_ENCRYPTED: {
    summary: 'The image is encrypted by its own format.',
    remedy: 'Convert it with "qemu-img convert" to an image that is not.',
  },
  IMAGE_FORMAT_MISMATCH: {
    summary:
      'The bytes of the image are of another format than the one declared. A guest can write a qcow2 header into a raw disk, so nothing is guessed.',
    remedy: 'Declare the format the image really has, if you trust where it comes from.',
  },
  IMAGE_FORMAT_UNSUPPORTED: {
    summary: 'The image is of a format other than raw and qcow2.',
    remedy: 'Convert it with "qemu-img convert -O qcow2".',
  },
  IMAGE_FEATURE_UNSUPPORTED: {
    summary: 'The qcow2 image uses an incompatible feature that is not known.',
    remedy: 'Convert it with "qemu-img convert -O qcow2".',
  },
  IMAGE_BACKING_REFUSED: {
    summary:
      'The backing file of the image lies outside the allowed directories, is no plain file, or cannot be told: the image is a link, and a file of that name lies both beside the link and beside its target.',
    remedy: 'Allow its directory with --allow-path if you trust the image. Give an image behind a link by the path that its machine uses.',
  },
  IMAGE_BACKING_FORMAT_MISSING: {
    summary: 'The image names a backing file and not its format, which would have to be guessed.',
    remedy: 'Write it down: "qemu-img rebase -u -F FORMAT -b FILE IMAGE".',
  },
  IMAGE_DATA_FILE_REFUSED: {
    summary: 'The image keeps its data in another file that lies outside the allowed directories.',
    remedy: 'Allow its directory with --allow-path, or convert the image.',
  },
  IMAGE_CHAIN_TOO_LONG: {
    summary: 'The image has too many backing files, or its chain is a circle.',
    remedy: 'Flatten it with "qemu-img convert" or "qemu-img rebase".',
  },
  IMAGE_CHAIN_MISMATCH: {
    summary: 'The chain of backing files changed after it was checked.',
    remedy: 'Make sure that nothing else changes the image, and try again.',
  },
  IMAGE_ALLOWED_PATH_MISSING: {
    summary: 'A directory given with --allow-path does not exist.',
    remedy: 'Correct the path.',
  },
} satisfies Record<string, CatalogueEntry>
