import { BlockList, isIPv6 } from "node:net";

/** Private and special ranges: neighbours, nodes, the API server, metadata services (AWS, Azure) and multicast. */
export const NOT_PUBLIC_IPV4 = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "168.63.129.16/32",
  "224.0.0.0/4",
] as const;
export const NOT_PUBLIC_IPV6 = ["::1/128", "fc00::/7", "fe80::/10", "fd00:ec2::254/128", "ff00::/8"] as const;

export const isIpv6Range = (cidr: string): boolean => cidr.includes(":");

const parts = (cidr: string): readonly [string, number] => {
  const [net = "", prefix = ""] = cidr.split("/");
  return [net, Number(prefix)];
};

/** Addresses of a range share so many bits. */
export const prefixOf = (cidr: string): number => parts(cidr)[1];

/** Whether two ranges of one family have an address in common: either holds where the other begins. */
export function overlap(one: string, other: string): boolean {
  const holds = (range: string, [address]: readonly [string, number]): boolean => {
    const block = new BlockList();
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    block.addSubnet(...parts(range), family);
    return block.check(address, family);
  };
  return isIpv6Range(one) === isIpv6Range(other) && (holds(one, parts(other)) || holds(other, parts(one)));
}

/** Whether every address of a range is one of the public internet. */
export const isPublic = (cidr: string): boolean =>
  !["0.0.0.0/8", ...NOT_PUBLIC_IPV4, "::/128", "::ffff:0:0/96", "64:ff9b::/96", ...NOT_PUBLIC_IPV6].some(
    (range) => overlap(cidr, range),
  );
