"""What people report of an asset by tapping a picture, and the pages and addresses that they do it on."""
