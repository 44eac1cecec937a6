import type { KeyPair } from './workspace.ts'

/** One request that touches everything the main path can do, and what a booted guest must show for it. */
export const scenario = {
  hostname: 'web1',
  fqdn: 'web1.example.org',
  address: '10.0.2.50',
  mac: '52:54:00:ab:cd:ef',
  alicePassword: "S3cret 'quoted' $HOME \\ pässword",
  rootPassword: 'r00t:of:all "evil"',
} as const

export function userData(key: KeyPair): string {
  const yaml = (text: string) => JSON.stringify(text)
  return `#cloud-config
hostname: ${scenario.hostname}
fqdn: ${scenario.fqdn}
manage_etc_hosts: true
timezone: Asia/Tokyo
locale: C.UTF-8
groups:
  - operators: [alice]
users:
  - name: alice
    gecos: Alice Example
    groups: sudo
    sudo: ALL=(ALL) NOPASSWD:ALL
    shell: /bin/bash
    lock_passwd: false
    plain_text_passwd: ${yaml(scenario.alicePassword)}
    ssh_authorized_keys:
      - ${key.publicKey}
chpasswd:
  expire: false
  users:
    - { name: root, type: text, password: ${yaml(scenario.rootPassword)} }
ssh_pwauth: true
disable_root: false
write_files:
  - path: /etc/example/app.conf
    owner: alice:operators
    permissions: '0640'
    defer: true
    content: |
      colour = "blue"
  - path: /usr/local/bin/hello
    permissions: '0755'
    encoding: b64
    content: ${Buffer.from('#!/bin/sh\necho hello from $(hostname)\n').toString('base64')}
bootcmd:
  - echo early >> /var/tmp/first-boot
runcmd:
  - echo late >> /var/tmp/first-boot
  - [sh, -c, 'printf "%s\\n" "argument with $HOME" >> /var/tmp/first-boot']
growpart:
  mode: auto
  devices: ['/']
resize_rootfs: true
`
}

export const networkConfig = `version: 2
ethernets:
  uplink:
    match:
      macaddress: '${scenario.mac}'
    set-name: uplink0
    addresses: [${scenario.address}/24, 'fd00:1234::50/64']
    mtu: 1400
    nameservers:
      addresses: [10.0.2.3]
      search: [example.org]
    routes:
      - to: default
        via: 10.0.2.2
      - to: 192.0.2.0/24
        via: 10.0.2.9
`

export const metaData = 'instance-id: scenario-1\n'
