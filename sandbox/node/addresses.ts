/** Pod addresses, from a range that nothing on this machine routes: each is given to one pod at a time. */
export class Addresses {
  readonly #used = new Set<number>();
  #next = 2;

  /** Marks an address that a pod has already. */
  reserve(ip: string): void {
    const [, , high, low] = ip.split(".").map(Number);
    if (high !== undefined && low !== undefined) this.#used.add(high * 256 + low);
  }

  take(): string {
    for (let tries = 0; tries < 65_000; tries++) {
      const number = this.#next;
      this.#next = number >= 65_000 ? 2 : number + 1;
      if (this.#used.has(number) || number % 256 === 0 || number % 256 === 255) continue;
      this.#used.add(number);
      return `10.244.${number >> 8}.${number & 255}`;
    }
    throw new Error("no pod address is free");
  }

  release(ip: string): void {
    const [, , high, low] = ip.split(".").map(Number);
    if (high !== undefined && low !== undefined) this.#used.delete(high * 256 + low);
  }
}
