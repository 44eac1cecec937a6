// Made of proto/deploy.proto by scripts/generate-grpc-types.ts. Do not edit.
import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'

export interface BootDevicesInput {
  'BootOrder'?: (number);
  'DevType'?: (number);
  'AttachOrder'?: (number);
}

export interface BootDevices {
  'BootOrder': (number);
  'DevType': (number);
  'AttachOrder': (number);
}

export interface ConnectEsxiDisksParamsInput {
  'vddk_info'?: (VDDKConInfoInput | null);
  'access_info'?: (EsxiDiskInfoInput)[];
}

export interface ConnectEsxiDisksParams {
  'vddk_info': (VDDKConInfo | null);
  'access_info': (EsxiDiskInfo)[];
}

export interface DeployAgentClient extends grpc.Client {
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  ConnectEsxiDisks(argument: ConnectEsxiDisksParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  ConnectEsxiDisks(argument: ConnectEsxiDisksParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  ConnectEsxiDisks(argument: ConnectEsxiDisksParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  ConnectEsxiDisks(argument: ConnectEsxiDisksParamsInput, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  connectEsxiDisks(argument: ConnectEsxiDisksParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  connectEsxiDisks(argument: ConnectEsxiDisksParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  connectEsxiDisks(argument: ConnectEsxiDisksParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  connectEsxiDisks(argument: ConnectEsxiDisksParamsInput, callback: grpc.requestCallback<EsxiDisksConnectionInfo>): grpc.ClientUnaryCall;
  
  /**
   * Makes the guest on a disk what the request says: names, network, account, keys, files.
   */
  DeployGuestFs(argument: DeployParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  DeployGuestFs(argument: DeployParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  DeployGuestFs(argument: DeployParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  DeployGuestFs(argument: DeployParamsInput, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  /**
   * Makes the guest on a disk what the request says: names, network, account, keys, files.
   */
  deployGuestFs(argument: DeployParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  deployGuestFs(argument: DeployParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  deployGuestFs(argument: DeployParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  deployGuestFs(argument: DeployParamsInput, callback: grpc.requestCallback<DeployGuestFsResponse>): grpc.ClientUnaryCall;
  
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  DisconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  DisconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  DisconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  DisconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  disconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  disconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  disconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  disconnectEsxiDisks(argument: EsxiDisksConnectionInfoInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  
  /**
   * One GPT partition with an empty file system. What was on the disk is gone.
   */
  FormatFs(argument: FormatFsParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  FormatFs(argument: FormatFsParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  FormatFs(argument: FormatFsParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  FormatFs(argument: FormatFsParamsInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  /**
   * One GPT partition with an empty file system. What was on the disk is gone.
   */
  formatFs(argument: FormatFsParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  formatFs(argument: FormatFsParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  formatFs(argument: FormatFsParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  formatFs(argument: FormatFsParamsInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  
  /**
   * Says what is on a disk. Changes nothing.
   */
  ProbeImageInfo(argument: ProbeImageInfoPramasInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  ProbeImageInfo(argument: ProbeImageInfoPramasInput, metadata: grpc.Metadata, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  ProbeImageInfo(argument: ProbeImageInfoPramasInput, options: grpc.CallOptions, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  ProbeImageInfo(argument: ProbeImageInfoPramasInput, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  /**
   * Says what is on a disk. Changes nothing.
   */
  probeImageInfo(argument: ProbeImageInfoPramasInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  probeImageInfo(argument: ProbeImageInfoPramasInput, metadata: grpc.Metadata, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  probeImageInfo(argument: ProbeImageInfoPramasInput, options: grpc.CallOptions, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  probeImageInfo(argument: ProbeImageInfoPramasInput, callback: grpc.requestCallback<ImageInfo>): grpc.ClientUnaryCall;
  
  /**
   * Lets partition, volume and file system fill a disk that has grown. Once more changes nothing.
   */
  ResizeFs(argument: ResizeFsParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  ResizeFs(argument: ResizeFsParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  ResizeFs(argument: ResizeFsParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  ResizeFs(argument: ResizeFsParamsInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  /**
   * Lets partition, volume and file system fill a disk that has grown. Once more changes nothing.
   */
  resizeFs(argument: ResizeFsParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  resizeFs(argument: ResizeFsParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  resizeFs(argument: ResizeFsParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  resizeFs(argument: ResizeFsParamsInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  
  /**
   * Looks at a disk that becomes a template; with `compress`, takes the machine's identity out of it.
   */
  SaveToGlance(argument: SaveToGlanceParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  SaveToGlance(argument: SaveToGlanceParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  SaveToGlance(argument: SaveToGlanceParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  SaveToGlance(argument: SaveToGlanceParamsInput, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  /**
   * Looks at a disk that becomes a template; with `compress`, takes the machine's identity out of it.
   */
  saveToGlance(argument: SaveToGlanceParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  saveToGlance(argument: SaveToGlanceParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  saveToGlance(argument: SaveToGlanceParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  saveToGlance(argument: SaveToGlanceParamsInput, callback: grpc.requestCallback<SaveToGlanceResponse>): grpc.ClientUnaryCall;
  
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  SetOvmfBootOrder(argument: OvmfBootOrderParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  SetOvmfBootOrder(argument: OvmfBootOrderParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  SetOvmfBootOrder(argument: OvmfBootOrderParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  SetOvmfBootOrder(argument: OvmfBootOrderParamsInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  setOvmfBootOrder(argument: OvmfBootOrderParamsInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  setOvmfBootOrder(argument: OvmfBootOrderParamsInput, metadata: grpc.Metadata, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  setOvmfBootOrder(argument: OvmfBootOrderParamsInput, options: grpc.CallOptions, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  setOvmfBootOrder(argument: OvmfBootOrderParamsInput, callback: grpc.requestCallback<Empty>): grpc.ClientUnaryCall;
  
}

export interface DeployAgentHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  ConnectEsxiDisks: grpc.handleUnaryCall<ConnectEsxiDisksParams, EsxiDisksConnectionInfoInput>;
  
  /**
   * Makes the guest on a disk what the request says: names, network, account, keys, files.
   */
  DeployGuestFs: grpc.handleUnaryCall<DeployParams, DeployGuestFsResponseInput>;
  
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  DisconnectEsxiDisks: grpc.handleUnaryCall<EsxiDisksConnectionInfo, EmptyInput>;
  
  /**
   * One GPT partition with an empty file system. What was on the disk is gone.
   */
  FormatFs: grpc.handleUnaryCall<FormatFsParams, EmptyInput>;
  
  /**
   * Says what is on a disk. Changes nothing.
   */
  ProbeImageInfo: grpc.handleUnaryCall<ProbeImageInfoPramas, ImageInfoInput>;
  
  /**
   * Lets partition, volume and file system fill a disk that has grown. Once more changes nothing.
   */
  ResizeFs: grpc.handleUnaryCall<ResizeFsParams, EmptyInput>;
  
  /**
   * Looks at a disk that becomes a template; with `compress`, takes the machine's identity out of it.
   */
  SaveToGlance: grpc.handleUnaryCall<SaveToGlanceParams, SaveToGlanceResponseInput>;
  
  /**
   * Not there yet: UNIMPLEMENTED.
   */
  SetOvmfBootOrder: grpc.handleUnaryCall<OvmfBootOrderParams, EmptyInput>;
  
}

export interface DeployAgentDefinition extends grpc.ServiceDefinition {
  ConnectEsxiDisks: MethodDefinition<ConnectEsxiDisksParamsInput, EsxiDisksConnectionInfoInput, ConnectEsxiDisksParams, EsxiDisksConnectionInfo>
  DeployGuestFs: MethodDefinition<DeployParamsInput, DeployGuestFsResponseInput, DeployParams, DeployGuestFsResponse>
  DisconnectEsxiDisks: MethodDefinition<EsxiDisksConnectionInfoInput, EmptyInput, EsxiDisksConnectionInfo, Empty>
  FormatFs: MethodDefinition<FormatFsParamsInput, EmptyInput, FormatFsParams, Empty>
  ProbeImageInfo: MethodDefinition<ProbeImageInfoPramasInput, ImageInfoInput, ProbeImageInfoPramas, ImageInfo>
  ResizeFs: MethodDefinition<ResizeFsParamsInput, EmptyInput, ResizeFsParams, Empty>
  SaveToGlance: MethodDefinition<SaveToGlanceParamsInput, SaveToGlanceResponseInput, SaveToGlanceParams, SaveToGlanceResponse>
  SetOvmfBootOrder: MethodDefinition<OvmfBootOrderParamsInput, EmptyInput, OvmfBootOrderParams, Empty>
}

export interface DeployContentInput {
  'path'?: (string);
  /**
   * Empty: only the directories are made.
   */
  'content'?: (string);
  /**
   * "append"; anything else overwrites.
   */
  'action'?: (string);
}

export interface DeployContent {
  'path': (string);
  /**
   * Empty: only the directories are made.
   */
  'content': (string);
  /**
   * "append"; anything else overwrites.
   */
  'action': (string);
}

export interface DeployGuestFsResponseInput {
  /**
   * Debian, Ubuntu, CentOS, ...
   */
  'distro'?: (string);
  'version'?: (string);
  /**
   * x86_64, x86_32, aarch64, aarch32, riscv64, ...
   */
  'arch'?: (string);
  /**
   * Of Windows.
   */
  'language'?: (string);
  /**
   * Linux, Windows, ...
   */
  'os'?: (string);
  /**
   * Whose password was set; empty when none was.
   */
  'account'?: (string);
  /**
   * The password, encrypted: with the user's RSA key, or with what the client knows of the key or the machine.
   */
  'key'?: (string);
  'telegraf_deployed'?: (boolean);
  /**
   * Of Windows.
   */
  'current_version'?: (string);
}

export interface DeployGuestFsResponse {
  /**
   * Debian, Ubuntu, CentOS, ...
   */
  'distro': (string);
  'version': (string);
  /**
   * x86_64, x86_32, aarch64, aarch32, riscv64, ...
   */
  'arch': (string);
  /**
   * Of Windows.
   */
  'language': (string);
  /**
   * Linux, Windows, ...
   */
  'os': (string);
  /**
   * Whose password was set; empty when none was.
   */
  'account': (string);
  /**
   * The password, encrypted: with the user's RSA key, or with what the client knows of the key or the machine.
   */
  'key': (string);
  'telegraf_deployed': (boolean);
  /**
   * Of Windows.
   */
  'current_version': (string);
}

export interface DeployInfoInput {
  'public_key'?: (SSHKeysInput | null);
  'deploys'?: (DeployContentInput)[];
  /**
   * Empty: passwords stay as they are, and no account is returned.
   */
  'password'?: (string);
  /**
   * The password may be replaced by another one to please the guest's policy; there is never a need to.
   */
  'is_random_password'?: (boolean);
  /**
   * The first deploy of a fresh root disk: files, user data, mounts count only then.
   */
  'is_init'?: (boolean);
  /**
   * Of bare metal; carried.
   */
  'enable_tty'?: (boolean);
  /**
   * Root is the login account where the guest lets root log in.
   */
  'default_root_user'?: (boolean);
  /**
   * Of Windows; carried.
   */
  'windows_default_admin_user'?: (boolean);
  /**
   * False, with `is_init`: the cloud-init inside the image is switched off.
   */
  'enable_cloud_init'?: (boolean);
  /**
   * The login account, made when it is missing.
   */
  'login_account'?: (string);
  /**
   * Set: the monitoring agent is wanted.
   */
  'telegraf'?: (TelegrafInput | null);
  /**
   * Plain text: cloud-config, or a script.
   */
  'user_data'?: (string);
}

export interface DeployInfo {
  'public_key': (SSHKeys | null);
  'deploys': (DeployContent)[];
  /**
   * Empty: passwords stay as they are, and no account is returned.
   */
  'password': (string);
  /**
   * The password may be replaced by another one to please the guest's policy; there is never a need to.
   */
  'is_random_password': (boolean);
  /**
   * The first deploy of a fresh root disk: files, user data, mounts count only then.
   */
  'is_init': (boolean);
  /**
   * Of bare metal; carried.
   */
  'enable_tty': (boolean);
  /**
   * Root is the login account where the guest lets root log in.
   */
  'default_root_user': (boolean);
  /**
   * Of Windows; carried.
   */
  'windows_default_admin_user': (boolean);
  /**
   * False, with `is_init`: the cloud-init inside the image is switched off.
   */
  'enable_cloud_init': (boolean);
  /**
   * The login account, made when it is missing.
   */
  'login_account': (string);
  /**
   * Set: the monitoring agent is wanted.
   */
  'telegraf': (Telegraf | null);
  /**
   * Plain text: cloud-config, or a script.
   */
  'user_data': (string);
}

export interface DeployParamsInput {
  'disk_info'?: (DiskInfoInput | null);
  'guest_desc'?: (GuestDescInput | null);
  'deploy_info'?: (DeployInfoInput | null);
  'vddk_info'?: (VDDKConInfoInput | null);
}

export interface DeployParams {
  'disk_info': (DiskInfo | null);
  'guest_desc': (GuestDesc | null);
  'deploy_info': (DeployInfo | null);
  'vddk_info': (VDDKConInfo | null);
}

export interface DiskInput {
  /**
   * Also the UUID of the file system on a data disk.
   */
  'disk_id'?: (string);
  /**
   * Carried.
   */
  'driver'?: (string);
  /**
   * Carried.
   */
  'cache_mode'?: (string);
  /**
   * Carried.
   */
  'aio_mode'?: (string);
  /**
   * Carried.
   */
  'size'?: (number | string | Long);
  /**
   * Carried.
   */
  'template_id'?: (string);
  /**
   * Carried.
   */
  'image_path'?: (string);
  /**
   * Carried.
   */
  'storage_id'?: (string);
  /**
   * Carried.
   */
  'migrating'?: (boolean);
  /**
   * Carried.
   */
  'target_storage_id'?: (string);
  /**
   * A file or a block device.
   */
  'path'?: (string);
  /**
   * "raw" and "qcow2" count; anything else: by the image's own header.
   */
  'format'?: (string);
  /**
   * Carried: the place in the list counts.
   */
  'index'?: (number);
  /**
   * Carried.
   */
  'merge_snapshot'?: (boolean);
  /**
   * File system of a data disk, "swap" included.
   */
  'fs'?: (string);
  /**
   * Where a data disk goes; empty: /data, /data1, ...
   */
  'mountpoint'?: (string);
  /**
   * Carried.
   */
  'dev'?: (string);
}

export interface Disk {
  /**
   * Also the UUID of the file system on a data disk.
   */
  'disk_id': (string);
  /**
   * Carried.
   */
  'driver': (string);
  /**
   * Carried.
   */
  'cache_mode': (string);
  /**
   * Carried.
   */
  'aio_mode': (string);
  /**
   * Carried.
   */
  'size': (number);
  /**
   * Carried.
   */
  'template_id': (string);
  /**
   * Carried.
   */
  'image_path': (string);
  /**
   * Carried.
   */
  'storage_id': (string);
  /**
   * Carried.
   */
  'migrating': (boolean);
  /**
   * Carried.
   */
  'target_storage_id': (string);
  /**
   * A file or a block device.
   */
  'path': (string);
  /**
   * "raw" and "qcow2" count; anything else: by the image's own header.
   */
  'format': (string);
  /**
   * Carried: the place in the list counts.
   */
  'index': (number);
  /**
   * Carried.
   */
  'merge_snapshot': (boolean);
  /**
   * File system of a data disk, "swap" included.
   */
  'fs': (string);
  /**
   * Where a data disk goes; empty: /data, /data1, ...
   */
  'mountpoint': (string);
  /**
   * Carried.
   */
  'dev': (string);
}

export interface DiskInfoInput {
  /**
   * A file or a block device.
   */
  'path'?: (string);
  /**
   * Set for an encrypted disk.
   */
  'encrypt_password'?: (string);
  'encrypt_format'?: (string);
  'encrypt_alg'?: (string);
  'disk_id'?: (string);
}

export interface DiskInfo {
  /**
   * A file or a block device.
   */
  'path': (string);
  /**
   * Set for an encrypted disk.
   */
  'encrypt_password': (string);
  'encrypt_format': (string);
  'encrypt_alg': (string);
  'disk_id': (string);
}

export interface EmptyInput {
}

export interface Empty {
}

export interface EsxiDiskInfoInput {
  'disk_path'?: (string);
}

export interface EsxiDiskInfo {
  'disk_path': (string);
}

export interface EsxiDisksConnectionInfoInput {
  'disks'?: (EsxiDiskInfoInput)[];
}

export interface EsxiDisksConnectionInfo {
  'disks': (EsxiDiskInfo)[];
}

export interface FormatFsParamsInput {
  'disk_info'?: (DiskInfoInput | null);
  /**
   * ext2, ext3, ext4, xfs, f2fs or swap.
   */
  'fs_format'?: (string);
  /**
   * Of the file system; the disk's id, as a rule.
   */
  'uuid'?: (string);
  'fs_features'?: (FsFeaturesInput | null);
}

export interface FormatFsParams {
  'disk_info': (DiskInfo | null);
  /**
   * ext2, ext3, ext4, xfs, f2fs or swap.
   */
  'fs_format': (string);
  /**
   * Of the file system; the disk's id, as a rule.
   */
  'uuid': (string);
  'fs_features': (FsFeatures | null);
}

export interface FsExt4FeaturesInput {
  'CaseInsensitive'?: (boolean);
  /**
   * Percent; 0: the tool's own.
   */
  'ReservedBlocksPercentage'?: (number);
}

export interface FsExt4Features {
  'CaseInsensitive': (boolean);
  /**
   * Percent; 0: the tool's own.
   */
  'ReservedBlocksPercentage': (number);
}

export interface FsF2fsFeaturesInput {
  'CaseInsensitive'?: (boolean);
  /**
   * Percent; 0: the tool's own.
   */
  'OverprovisionRatioPercentage'?: (number);
}

export interface FsF2fsFeatures {
  'CaseInsensitive': (boolean);
  /**
   * Percent; 0: the tool's own.
   */
  'OverprovisionRatioPercentage': (number);
}

export interface FsFeaturesInput {
  'ext4'?: (FsExt4FeaturesInput | null);
  'f2fs'?: (FsF2fsFeaturesInput | null);
}

export interface FsFeatures {
  'ext4': (FsExt4Features | null);
  'f2fs': (FsF2fsFeatures | null);
}

export interface GuestDescInput {
  /**
   * Host name when `hostname` is empty.
   */
  'name'?: (string);
  /**
   * Key material of the secret returned to a machine without a public key.
   */
  'uuid'?: (string);
  /**
   * Makes the full name: hostname.domain.
   */
  'domain'?: (string);
  'nics'?: (NicInput)[];
  /**
   * Of bare metal, which does not come this way; carried.
   */
  'nics_standby'?: (NicInput)[];
  /**
   * The first is the root disk; others with `fs` are mounted.
   */
  'disks'?: (DiskInput)[];
  /**
   * "kvm" and anything that is not "esxi" or "proxmox".
   */
  'Hypervisor'?: (string);
  'hostname'?: (string);
}

export interface GuestDesc {
  /**
   * Host name when `hostname` is empty.
   */
  'name': (string);
  /**
   * Key material of the secret returned to a machine without a public key.
   */
  'uuid': (string);
  /**
   * Makes the full name: hostname.domain.
   */
  'domain': (string);
  'nics': (Nic)[];
  /**
   * Of bare metal, which does not come this way; carried.
   */
  'nics_standby': (Nic)[];
  /**
   * The first is the root disk; others with `fs` are mounted.
   */
  'disks': (Disk)[];
  /**
   * "kvm" and anything that is not "esxi" or "proxmox".
   */
  'Hypervisor': (string);
  'hostname': (string);
}

export interface ImageInfoInput {
  /**
   * Absent when there is no operating system.
   */
  'os_info'?: (ReleaseInfoInput | null);
  'os_type'?: (string);
  'is_uefi_support'?: (boolean);
  'is_lvm_partition'?: (boolean);
  'is_readonly'?: (boolean);
  /**
   * gpt, mbr, or empty.
   */
  'physical_partition_type'?: (string);
  'is_installed_cloud_init'?: (boolean);
  'is_bios_support'?: (boolean);
}

export interface ImageInfo {
  /**
   * Absent when there is no operating system.
   */
  'os_info': (ReleaseInfo | null);
  'os_type': (string);
  'is_uefi_support': (boolean);
  'is_lvm_partition': (boolean);
  'is_readonly': (boolean);
  /**
   * gpt, mbr, or empty.
   */
  'physical_partition_type': (string);
  'is_installed_cloud_init': (boolean);
  'is_bios_support': (boolean);
}

export interface NicInput {
  /**
   * An interface without one is left out.
   */
  'mac'?: (string);
  'ip'?: (string);
  /**
   * Carried.
   */
  'net'?: (string);
  /**
   * Carried.
   */
  'net_id'?: (string);
  /**
   * The pseudo interface of a machine without a network: 169.254.169.231.
   */
  'virtual'?: (boolean);
  'gateway'?: (string);
  /**
   * Addresses, separated by commas.
   */
  'dns'?: (string);
  /**
   * Search domain.
   */
  'domain'?: (string);
  /**
   * JSON text: [["10.0.0.0/8", "192.168.1.1"], ...]
   */
  'routes'?: (string);
  /**
   * Carried: the name on the host's side.
   */
  'ifname'?: (string);
  'masklen'?: (number);
  /**
   * Interfaces of different drivers are called en<index> instead of eth<index>.
   */
  'driver'?: (string);
  /**
   * Carried.
   */
  'bridge'?: (string);
  /**
   * Carried.
   */
  'wire_id'?: (string);
  /**
   * Matters for bare metal only.
   */
  'vlan'?: (number);
  /**
   * Carried.
   */
  'interface'?: (string);
  /**
   * Carried.
   */
  'bw'?: (number);
  /**
   * The number in the interface's name.
   */
  'index'?: (number);
  /**
   * Carried.
   */
  'virtual_ips'?: (string)[];
  /**
   * Carried.
   */
  'externel_id'?: (string);
  /**
   * MAC of the interface that this one makes a bond with.
   */
  'team_with'?: (string);
  /**
   * True: addresses as given. False: DHCP; `ip` and `ip6` only say of which family.
   */
  'manual'?: (boolean);
  /**
   * "ipmi" is left out, "infiniband" refused.
   */
  'nic_type'?: (string);
  /**
   * Carried.
   */
  'link_up'?: (boolean);
  'mtu'?: (number | string | Long);
  /**
   * Carried.
   */
  'name'?: (string);
  /**
   * The one with the default route.
   */
  'is_default'?: (boolean);
  'ip6'?: (string);
  'masklen6'?: (number);
  'gateway6'?: (string);
}

export interface Nic {
  /**
   * An interface without one is left out.
   */
  'mac': (string);
  'ip': (string);
  /**
   * Carried.
   */
  'net': (string);
  /**
   * Carried.
   */
  'net_id': (string);
  /**
   * The pseudo interface of a machine without a network: 169.254.169.231.
   */
  'virtual': (boolean);
  'gateway': (string);
  /**
   * Addresses, separated by commas.
   */
  'dns': (string);
  /**
   * Search domain.
   */
  'domain': (string);
  /**
   * JSON text: [["10.0.0.0/8", "192.168.1.1"], ...]
   */
  'routes': (string);
  /**
   * Carried: the name on the host's side.
   */
  'ifname': (string);
  'masklen': (number);
  /**
   * Interfaces of different drivers are called en<index> instead of eth<index>.
   */
  'driver': (string);
  /**
   * Carried.
   */
  'bridge': (string);
  /**
   * Carried.
   */
  'wire_id': (string);
  /**
   * Matters for bare metal only.
   */
  'vlan': (number);
  /**
   * Carried.
   */
  'interface': (string);
  /**
   * Carried.
   */
  'bw': (number);
  /**
   * The number in the interface's name.
   */
  'index': (number);
  /**
   * Carried.
   */
  'virtual_ips': (string)[];
  /**
   * Carried.
   */
  'externel_id': (string);
  /**
   * MAC of the interface that this one makes a bond with.
   */
  'team_with': (string);
  /**
   * True: addresses as given. False: DHCP; `ip` and `ip6` only say of which family.
   */
  'manual': (boolean);
  /**
   * "ipmi" is left out, "infiniband" refused.
   */
  'nic_type': (string);
  /**
   * Carried.
   */
  'link_up': (boolean);
  'mtu': (number);
  /**
   * Carried.
   */
  'name': (string);
  /**
   * The one with the default route.
   */
  'is_default': (boolean);
  'ip6': (string);
  'masklen6': (number);
  'gateway6': (string);
}

export interface OvmfBootOrderParamsInput {
  'OvmfVarsPath'?: (string);
  'devs'?: (BootDevicesInput)[];
}

export interface OvmfBootOrderParams {
  'OvmfVarsPath': (string);
  'devs': (BootDevices)[];
}

/**
 * The spelling is the wire's.
 */
export interface ProbeImageInfoPramasInput {
  'disk_info'?: (DiskInfoInput | null);
}

/**
 * The spelling is the wire's.
 */
export interface ProbeImageInfoPramas {
  'disk_info': (DiskInfo | null);
}

export interface ReleaseInfoInput {
  'distro'?: (string);
  'version'?: (string);
  'arch'?: (string);
  'language'?: (string);
  'current_version'?: (string);
}

export interface ReleaseInfo {
  'distro': (string);
  'version': (string);
  'arch': (string);
  'language': (string);
  'current_version': (string);
}

export interface ResizeFsParamsInput {
  'disk_info'?: (DiskInfoInput | null);
  'hypervisor'?: (string);
  'vddk_info'?: (VDDKConInfoInput | null);
  /**
   * `disk_info.disk_id` chooses among its disks.
   */
  'guest_desc'?: (GuestDescInput | null);
}

export interface ResizeFsParams {
  'disk_info': (DiskInfo | null);
  'hypervisor': (string);
  'vddk_info': (VDDKConInfo | null);
  /**
   * `disk_info.disk_id` chooses among its disks.
   */
  'guest_desc': (GuestDesc | null);
}

export interface SSHKeysInput {
  /**
   * The user's: goes to the login account.
   */
  'public_key'?: (string);
  /**
   * Taken away from the login account.
   */
  'delete_public_key'?: (string);
  /**
   * The platform's: goes to cloudroot.
   */
  'admin_public_key'?: (string);
  /**
   * The platform's: goes to cloudroot.
   */
  'project_public_key'?: (string);
}

export interface SSHKeys {
  /**
   * The user's: goes to the login account.
   */
  'public_key': (string);
  /**
   * Taken away from the login account.
   */
  'delete_public_key': (string);
  /**
   * The platform's: goes to cloudroot.
   */
  'admin_public_key': (string);
  /**
   * The platform's: goes to cloudroot.
   */
  'project_public_key': (string);
}

export interface SaveToGlanceParamsInput {
  'disk_info'?: (DiskInfoInput | null);
  /**
   * True: the identity goes.
   */
  'compress'?: (boolean);
}

export interface SaveToGlanceParams {
  'disk_info': (DiskInfo | null);
  /**
   * True: the identity goes.
   */
  'compress': (boolean);
}

export interface SaveToGlanceResponseInput {
  'os_info'?: (string);
  'release_info'?: (ReleaseInfoInput | null);
}

export interface SaveToGlanceResponse {
  'os_info': (string);
  'release_info': (ReleaseInfo | null);
}

export interface TelegrafInput {
  'telegraf_conf'?: (string);
}

export interface Telegraf {
  'telegraf_conf': (string);
}

export interface VDDKConInfoInput {
  'host'?: (string);
  'port'?: (number);
  'user'?: (string);
  'passwd'?: (string);
  'vmref'?: (string);
}

export interface VDDKConInfo {
  'host': (string);
  'port': (number);
  'user': (string);
  'passwd': (string);
  'vmref': (string);
}
