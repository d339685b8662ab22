"""The program that stands at a site: it asks the devices there and tells the service, over whatever line there is."""
