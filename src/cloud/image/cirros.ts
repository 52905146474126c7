/** The image that a new cloud begins with: a disk of one MiB that boots, says so on its serial console, and rests. The same bytes each time. */

const message = 'nova-ts: cirros has booted.\r\n'

/** 16-bit code for a BIOS: sends the text that follows to the first serial port, then halts for good. */
const code = [
  ...[0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xfc], // cli; xor ax,ax; mov ds,ax; cld
  ...[0xbe, 0x23, 0x7c], //                   mov si,0x7c23: the text, 35 bytes into the sector at 0x7c00
  ...[0xac, 0x84, 0xc0, 0x74, 0x12], //       next: lodsb; test al,al; jz rest
  ...[0x88, 0xc4, 0xba, 0xfd, 0x03], //       mov ah,al; mov dx,0x3fd
  ...[0xec, 0xa8, 0x20, 0x74, 0xfb], //       wait: in al,dx; test al,0x20; jz wait
  ...[0xba, 0xf8, 0x03, 0x88, 0xe0, 0xee], // mov dx,0x3f8; mov al,ah; out dx,al
  ...[0xeb, 0xe9], //                         jmp next
  ...[0xf4, 0xeb, 0xfd], //                   rest: hlt; jmp rest
]

export function cirros(): Buffer {
  const disk = Buffer.alloc(1024 * 1024)
  Buffer.from(code).copy(disk)
  disk.write(message, code.length, 'latin1')
  disk.writeUInt16LE(0xaa55, 510)
  return disk
}
