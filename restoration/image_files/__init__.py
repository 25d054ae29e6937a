"""What is in the file of a picture, part by part; `image_io` puts it together."""
