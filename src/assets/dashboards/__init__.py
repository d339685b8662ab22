"""What people look at across features; reads only."""
