import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes about the request and the command line. */
export const inputErrors = {
  INPUT_YAML_INVALID: {
    summary:
      'A file of the request is not valid YAML 1.1, gives a key twice, uses an unknown tag, or nests too deeply. The message has line and column.',
    remedy: 'Correct the file at that place. Indent with spaces, and quote texts that hold ": " or begin with a special character.',
  },
  INPUT_USER_DATA_KIND_UNSUPPORTED: {
    summary:
      'user-data is neither cloud-config nor a script. Includes, jinja templates, MIME messages, archives and gzip data are not supported. With --cloud-init delegate what cloud-init reads (not gzip data) is left to it, and this is a finding.',
    remedy:
      'Write it as one cloud-config with "#cloud-config" on the first line, or as a script that begins with "#!". Or hand the seed to the cloud-init inside the image with --cloud-init delegate.',
  },
  INPUT_KEY_UNKNOWN: {
    summary:
      'The request has a key that cloud-init does not know either. The message has its path, its line, and the likely spelling. With --ignore-unsupported it is left out and this is a warning; with --cloud-init delegate it is left to cloud-init and this is a finding.',
    remedy: 'Correct the spelling, remove the key, or give --ignore-unsupported.',
  },
  INPUT_KEY_UNSUPPORTED: {
    summary:
      'The request has a key or kind of interface that cloud-init knows and host-deployer cannot apply yet. With --ignore-unsupported it is left out and this is a warning; with --cloud-init delegate it is left to cloud-init and this is a finding, but then a key of our own, which cloud-init does not have, is an error.',
    remedy: 'Remove it, give --ignore-unsupported, or hand the whole seed to the cloud-init inside the image with --cloud-init delegate.',
  },
  INPUT_INVALID: {
    summary: 'A value of the request has the wrong type or is out of range, or a required key is missing.',
    remedy: 'Correct the value at the path and line given. Texts that look like numbers or booleans need quotes.',
  },
  INPUT_PATH_INVALID: {
    summary:
      'A path of the request is not absolute, has a ".." segment or NUL in it, is longer than 4095 bytes, or names a directory where a file is needed.',
    remedy: 'Write the path as the guest will see it: absolute, and without "..".',
  },
  INPUT_NAME_INVALID: {
    summary: 'The name of a user, group, host or network interface has characters that its files in the guest cannot hold, or is too long.',
    remedy: 'Choose a name with letters, digits, "_", "." and "-"; host names have no "_".',
  },
  INPUT_PASSWORD_INVALID: {
    summary: 'A password is empty, too long or of several lines, or a text given as a hash is not one. The password is not shown.',
    remedy: 'Quote the password in YAML. Make hashes with mkpasswd, and give plain passwords with plain_text_passwd or "type: text".',
  },
  INPUT_SSH_KEY_INVALID: {
    summary:
      'A text is not a public key as in authorized_keys: its type is unknown, or its body is not base64 of a key of that type. The message says which key.',
    remedy: 'Give the whole line of the .pub file.',
  },
  INPUT_CONTENT_TOO_LARGE: {
    summary:
      'A file of the request is longer than 4 MiB, holds too many values after its aliases are expanded, or a file in write_files is larger than 32 MiB after decoding (64 MiB for all).',
    remedy: 'Make it smaller; put large files into the image another way.',
  },
  INPUT_PERMISSIONS_DECIMAL: {
    summary:
      'A file mode is written as a decimal number, such as 644. YAML and cloud-init take that as a number and not as octal digits, and so does host-deployer.',
    remedy: 'Quote the mode: "0644".',
    finding: true,
  },
  INPUT_PASSWORD_IGNORED: {
    summary: 'The key "password" is not used because chpasswd names accounts, as in cloud-init.',
    remedy: "Put the default user's password into chpasswd, too.",
    finding: true,
  },
  INPUT_NETWORK_IGNORED: {
    summary: 'The key "network" of user-data is not used because there is a network-config file.',
    remedy: 'Keep one of the two.',
    finding: true,
  },
  INPUT_FILE_TOO_LARGE: {
    summary: 'A file given on the command line is too large to be a request.',
    remedy: 'Check that the right file was given.',
  },
  INPUT_FILE_UNREADABLE: {
    summary: 'A file given on the command line does not exist or cannot be read.',
    remedy: 'Check its path and permissions.',
  },
  INPUT_NOT_UTF8: {
    summary: 'A file given on the command line is not UTF-8 text.',
    remedy: 'Save it as UTF-8; binary content goes into write_files with base64.',
  },
  INPUT_SEED_EMPTY: {
    summary: 'The seed directory has none of the files user-data, meta-data and network-config.',
    remedy: 'Check the path, or name the files one by one.',
  },
  INPUT_PASSWORD_EMPTY: {
    summary: 'The password file has an empty first line.',
    remedy: 'Write the password on its first line.',
  },
  INPUT_SSH_KEY_PRIVATE: {
    summary: 'The file given as a public key holds a private one.',
    remedy: 'Give the file that ends in .pub. If the private key was copied anywhere, replace it.',
  },
  INPUT_SUDO_RULE: {
    summary: 'A sudo rule of a user is not valid in sudoers(5).',
    remedy: 'Correct the rule; "ALL=(ALL) NOPASSWD:ALL" is the usual one.',
  },
  INPUT_FORMAT_UUID: {
    summary: 'The UUID for a new file system is not one. Nothing was changed.',
    remedy: 'Write it as 8-4-4-4-12 hexadecimal digits, not all zero, or leave it out: then one is made.',
  },
  INPUT_FORMAT_LABEL: {
    summary:
      'The label for a new file system is empty, begins with "-", has control characters, or is longer than this file system has room for. Nothing was changed.',
    remedy: 'Choose a shorter one: 12 bytes for xfs, 15 for swap, 16 for ext2, ext3 and ext4, 511 characters for f2fs.',
  },
  INPUT_FORMAT_OPTION: {
    summary:
      'An option for a new file system belongs to another one, is out of range, or the file system is of a kind that is not made. Nothing was changed.',
    remedy: 'Leave the option out, or correct it as the message says.',
  },
  INPUT_TIMEZONE_INVALID: {
    summary: 'The time zone is not a name as in /usr/share/zoneinfo.',
    remedy: 'Use a name such as Europe/Berlin or UTC.',
  },
  INPUT_LOCALE_INVALID: {
    summary: 'The locale is not a name as locale(7) has them.',
    remedy: 'Use a name such as en_US.UTF-8.',
  },
  INPUT_USER: {
    summary: 'The settings of a user contradict each other or cannot be written into the account files.',
    remedy: 'Correct the key the message names.',
  },
  INPUT_HOSTNAME_INVALID: {
    summary: 'The host name or FQDN is not one as in RFC 1123.',
    remedy: 'Use labels of letters, digits and "-", at most 63 characters each.',
  },
  INPUT_HOSTNAME_MISSING: {
    summary: 'manage_etc_hosts needs a name, and neither request nor guest has one.',
    remedy: 'Give hostname or fqdn.',
  },
  USAGE_INVALID: {
    summary:
      'The command line is wrong: an unknown command or option, a value that an option does not take, or an argument that is missing.',
    remedy: 'See the help of the command: it takes --help.',
  },
  INPUT_COMMAND_INVALID: {
    summary: 'A command in runcmd or bootcmd has NUL in it.',
    remedy: 'Remove it; binary data goes into write_files with base64.',
  },
  INPUT_META_DATA: {
    summary: 'meta-data is not a YAML map.',
    remedy: 'Write it as "key: value" lines.',
  },
  INPUT_DISK_ID: {
    summary: 'The id of a disk is not 1 to 20 characters of a-z, 0-9 and "-", or is used twice.',
    remedy: 'Choose another id.',
  },
  INPUT_NETWORK_ADDRESS: {
    summary:
      'An address of the network configuration cannot be used as it is: no prefix length, the address of the network itself, or given twice.',
    remedy: 'Correct the address the message names.',
  },
  INPUT_NETWORK_DNS: {
    summary: 'A name server or search domain cannot be used, or is for an interface that the configuration does not have.',
    remedy: 'Give IP addresses and domain names, and interfaces that are configured.',
  },
  INPUT_NETWORK_DUPLICATE: {
    summary: 'Two entries of the network configuration are about the same interface.',
    remedy: 'Merge them.',
  },
  INPUT_NETWORK_EMPTY: {
    summary:
      'The network configuration names no interface, or none is left without those that are not supported. Written, it would take away the network that the image has.',
    remedy: 'Name an interface. To leave the image its own configuration, give no network, or "network: {config: disabled}".',
  },
  INPUT_NETWORK_MAC: {
    summary: 'A MAC address cannot be used: it is not six bytes, or belongs to two interfaces.',
    remedy: "Give the address of the virtual machine's adapter.",
  },
  INPUT_NETWORK_MTU: {
    summary: 'An MTU is too small or too large, or too small for IPv6 (1280).',
    remedy: 'Correct the MTU.',
  },
  INPUT_NETWORK_NAME: {
    summary: 'The name of an interface cannot be one on Linux, or is given twice.',
    remedy: 'Use up to 15 characters without blanks, "/" and ":".',
  },
  INPUT_NETWORK_ROUTE: {
    summary: 'A route cannot work: its gateway is of the other IP version, or its destination is no network.',
    remedy: 'Correct the route the message names.',
  },
  INPUT_NETWORK_UNSUPPORTED: {
    summary: 'The network configuration asks for something that host-deployer cannot write yet.',
    remedy: 'Remove it, or use --cloud-init delegate.',
  },
} satisfies Record<string, CatalogueEntry>
