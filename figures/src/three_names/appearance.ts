/** Color and text of the numbers, in all drawings alike. */
import { fixed } from "../shell/format";
import { colorScale, cssColor } from "../shell/theme";

export type Kind = "input" | "weight" | "bias" | "output";

export interface Appearance {
  text: string;
  fill: string;
  ink: string;
}

/** Black or white, whichever has more contrast with a color. */
function contrasting(color: [number, number, number]): string {
  const [r, g, b] = color.map((v) => (v / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

interface Numbers {
  inputs: number[][];
  weight: number[][];
  bias: number[];
  outputs: { convolution: ArrayLike<number> };
  decimalsOf: { input: number; weight: number; output: number };
}

/** The appearance of every number, in the present theme. */
export function appearancesOf({ inputs, weight, bias, outputs, decimalsOf }: Numbers): Record<Kind, Appearance[]> {
  const of = (values: number[], digits: number, among = values) => {
    const color = colorScale(Math.max(...among.map(Math.abs)));
    return values.map((value) => ({ text: fixed(value, digits), fill: cssColor(color(value)), ink: contrasting(color(value)) }));
  };
  const weights = weight.flat();
  return {
    input: of(inputs.flat(), decimalsOf.input),
    weight: of(weights, decimalsOf.weight, [...weights, ...bias]),
    bias: of(bias, decimalsOf.weight, [...weights, ...bias]),
    output: of(Array.from(outputs.convolution), decimalsOf.output),
  };
}
