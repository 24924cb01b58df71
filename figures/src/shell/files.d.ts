declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.wat" {
  const base64: string;
  export default base64;
}
