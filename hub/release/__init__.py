"""What a release is made of and who stands for it: built, signed, published and served to terminals."""
