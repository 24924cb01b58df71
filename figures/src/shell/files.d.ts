declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.wat" {
  const base64: string;
  export default base64;
}
declare module "*.wgsl" {
  const text: string;
  export default text;
}
/** A worker's whole script. */
declare module "worker:*" {
  const script: string;
  export default script;
}
