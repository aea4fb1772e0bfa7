mod changes;
mod library;
mod wrong;
