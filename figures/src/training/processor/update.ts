/**
 * Gradient descent with Nesterov's momentum and weight decay, as torch's SGD does it:
 *
 *     g ← gradient + decay·w (of weights of convolutions only)
 *     m ← momentum·m + g
 *     w ← w − rate·(g + momentum·m)
 */
import type { Rule } from "../engine";
import type { Plan } from "../plan";
import type { Memory } from "./memory";

export function update({ floats, parameters, gradient }: Memory, plan: Plan, momentum: Float32Array, rule: Rule, rate: number): void {
  for (let i = 0; i < plan.size; i++) {
    const w = floats[parameters + i];
    const g = floats[gradient + i] + (i < plan.weights ? rule.decay * w : 0);
    momentum[i] = rule.momentum * momentum[i] + g;
    floats[parameters + i] = w - rate * (g + rule.momentum * momentum[i]);
  }
}
