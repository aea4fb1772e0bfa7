//! Servers that each break one requirement: the reference composition with one part replaced. One file an area.
