fn main() {
    let count: u32 = "one";
}
