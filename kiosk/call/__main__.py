from kiosk.call.process import main

if __name__ == "__main__":
    raise SystemExit(main())
