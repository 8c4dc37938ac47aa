/** Stand in for the requests without a tenant, and for the tenants that came after the first. */
const NONE = "none";
const OTHER = "other";
const RESERVED = /^~*(none|other)$/;

/** Gives the first `most` tenants label values of their own; their number is what bounds the metrics' memory. */
export class TenantLabels {
  readonly #own = new Map<string, string>();

  constructor(private readonly most: number) {}

  /**
   * The label of a tenant. A name gets one of its own only with a request that was let in (`admitted`), so that what
   * is turned away can't use them up. A tenant that is really called none or other has a ~ in front.
   */
  of(tenantId: string, admitted: boolean): string {
    if (tenantId === "") return NONE;
    const known = this.#own.get(tenantId);
    if (known !== undefined) return known;
    if (!admitted || this.#own.size >= this.most) return OTHER;
    const label = RESERVED.test(tenantId) ? `~${tenantId}` : tenantId;
    this.#own.set(tenantId, label);
    return label;
  }
}
