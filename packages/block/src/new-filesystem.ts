/** The file system that a formatted disk gets. */
export interface NewFilesystem {
  readonly type: 'ext2' | 'ext3' | 'ext4' | 'xfs' | 'f2fs' | 'swap'
  /** RFC 4122, lower case. Absent: the tool makes one. */
  readonly uuid?: string | undefined
  readonly label?: string | undefined
  /** ext4 and f2fs: directories can be marked so that names in them that differ in case only are the same. */
  readonly caseInsensitive?: boolean | undefined
  /** ext2, ext3, ext4: percent of the blocks kept for root. */
  readonly reservedPercent?: number | undefined
  /** f2fs: percent of the space kept for the file system itself. */
  readonly overprovisionPercent?: number | undefined
  /** ext4: from these sizes on there are fewer inodes. */
  readonly thresholds?: { readonly hugeBytes: number; readonly largefileBytes: number } | undefined
}
