const LINE = 12;

/** A variant a row; its name is broken at spaces, for those of sweeps are long. */
export function variantRows(variants: readonly string[]) {
  const domain = [...variants];
  return {
    field: "variant",
    type: "nominal",
    title: null,
    sort: null,
    scale: { domain, paddingInner: 0.3, paddingOuter: 0.15 },
    axis: {
      labelExpr: "split(datum.label, ' ')",
      labelLineHeight: LINE,
      ticks: false,
      domain: false,
      labelLimit: 170,
    },
  } as const;
}

/** The height that such rows need, in pixels. */
export function rowsHeight(variants: readonly string[]): number {
  const lines = Math.max(1, ...variants.map((name) => name.split(" ").length));
  return variants.length * Math.max(30, lines * LINE + 8);
}
